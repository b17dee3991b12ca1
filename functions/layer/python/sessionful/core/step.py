"""One step: a model's reply and the results of the tools it called, told as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, instruction
from sessionful.core.feed import Feed
from sessionful.core.groups import Said
from sessionful.core.recorder import Recorder
from sessionful.core.replay import called, returned, spoken
from sessionful.core.reply import Reply
from sessionful.core.resumption import Torn
from sessionful.domain.identity import turn_number
from sessionful.domain.memory import Source
from sessionful.domain.message import Message, ToolCall, ToolResult
from sessionful.domain.session import Position, Session
from sessionful.domain.usage import Usage
from sessionful.ports import ModelRequest, ToolContext

_STOPPED = "not finished: the turn was stopped while this tool ran"
_UNKNOWN = "not finished: the process that ran this tool died, so it is not known whether it was done"


class Step:
    """Interrupted at any moment it still amounts to messages that every provider accepts: see `close`.

    `said` is the reply once it is whole. `lost` are calls that a former holder had started and whose outcome nobody
    knows; they must not be made again.
    """

    def __init__(self, number: int, agent: Agent, session: Session, turn_id: str, feed: Feed, deadline: float) -> None:
        self.number = number
        self.said: Said | None = None
        self.calls: tuple[ToolCall, ...] = ()
        self.lost: tuple[ToolCall, ...] = ()
        self.results: list[ToolResult] = []
        self._reply = Reply()
        self._agent, self._session, self._turn_id, self._feed = agent, session, turn_id, feed
        self._deadline = deadline

    @property
    def usage(self) -> Usage:
        return self.said.usage if self.said is not None else self._reply.usage

    async def ask(self, messages: list[Message], answer: Answer | None, options: Mapping[str, Any]) -> None:
        """Raises ModelError when the reply breaks off, and whatever the model raises."""
        settings = self._agent.settings
        system = self._session.system or settings.instructions
        if answer is not None:  # in words too, because not every model can be held to a schema
            system = "\n\n".join(filter(None, (system, instruction(answer))))
        request = ModelRequest(
            messages=tuple(messages),
            system=system,
            tools=self._agent.toolbox.specs,
            schema=answer.schema if answer else None,
            options={**settings.options, **options},
        )
        pieces = self._agent.model.stream(request)
        try:
            async for piece in pieces:
                for delta in self._reply.take(piece):
                    self._feed.tell(delta)
        finally:
            await _close(pieces)
        stop_reason = self._reply.stop_reason
        self.said = Said(message=self._reply.message(), stop_reason=stop_reason, usage=self._reply.usage)

    def resume(self, torn: Torn) -> None:
        """Go on where a former holder was torn away: tell again what it had."""
        if torn.said is None:
            return
        self.said = torn.said
        for delta in spoken(torn.said.message):
            self._feed.tell(delta)
        self._tell_calls()
        for result in torn.results:
            self._take(result)
        self.lost = tuple(call for call in self._unanswered() if not self._agent.toolbox.repeatable(call))

    async def call_tools(self, recorder: Recorder) -> None:
        """What is called, and each result but the last, is made durable at once: whoever takes over then knows which
        calls were begun and which are done. A call that may be repeated need not wait for that."""
        assert self.said is not None
        recorder.say(self.said)
        self._tell_calls()
        waiting = self._unanswered()
        if not all(self._agent.toolbox.repeatable(call) for call in waiting):
            await recorder.flushed()
        finished = self._agent.toolbox.run(waiting, self._context)
        try:
            async for result in finished:
                self._take(result)
                if len(self.results) < len(self.calls):
                    recorder.nudge()
        finally:
            await _close(finished)

    def close(self) -> tuple[Message, Message | None]:
        """The reply and the tool message. Calls that were told are kept, each with a result: an unanswered one would
        spoil every later prompt. Calls that were not told yet are dropped."""
        lost = {call.id for call in self.lost}
        for call in self._unanswered():
            text = _UNKNOWN if call.id in lost else _STOPPED
            self._take(ToolResult(call_id=call.id, name=call.name, content=text, is_error=True))
        if not self.calls:
            return self._reply.message(with_calls=False), None
        assert self.said is not None
        return self.said.message, Message(role="tool", parts=tuple(self.results))

    def _tell_calls(self) -> None:
        if not self.calls and self.said is not None:
            self.calls = self.said.message.tool_calls
            for event in called(self.said.message):
                self._feed.tell(event)

    def _unanswered(self) -> list[ToolCall]:
        answered = {result.call_id for result in self.results}
        return [call for call in self.calls if call.id not in answered]

    def _take(self, result: ToolResult) -> None:
        self.results.append(result)
        self._feed.tell(returned(result))

    def _context(self, call: ToolCall) -> ToolContext:
        session, at = self._session, Position(turn_number(self._turn_id) or 0, self.number)
        return ToolContext(
            session_id=session.key.id,
            turn_id=self._turn_id,
            call_id=call.id,
            agent=self._agent.name,
            owner=session.key.owner,
            work_dir=session.work_dir,
            deadline=self._deadline,
            idempotency_key=f"{self._turn_id}.{self.number}.{call.id}",
            session_agent=session.key.agent,
            source=Source(owner=session.key.owner, session_id=session.key.id, log=session.log, at=at),
        )


async def _close(iterator: AsyncIterator[Any]) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()
