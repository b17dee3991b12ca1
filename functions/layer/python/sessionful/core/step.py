"""One step: a model's reply and the results of the tools it called, told as they come."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, instruction
from sessionful.core.feed import Feed
from sessionful.core.replay import called, returned
from sessionful.core.reply import Reply
from sessionful.domain.message import Message, ToolCall, ToolResult
from sessionful.domain.session import Session
from sessionful.ports import ModelRequest, ToolContext


class Step:
    """Interrupted at any moment it still amounts to messages that every provider accepts: see `close`."""

    def __init__(self, number: int, agent: Agent, session: Session, turn_id: str, feed: Feed, deadline: float) -> None:
        self.number = number
        self.reply = Reply()
        self.calls: tuple[ToolCall, ...] = ()
        self.results: list[ToolResult] = []
        self._agent, self._session, self._turn_id, self._feed = agent, session, turn_id, feed
        self._deadline = deadline

    async def ask(self, messages: list[Message], answer: Answer | None, options: Mapping[str, Any]) -> None:
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
                for delta in self.reply.take(piece):
                    self._feed.tell(delta)
        finally:
            await _close(pieces)

    async def call_tools(self) -> None:
        message = self.reply.message()
        self.calls = message.tool_calls
        for event in called(message):
            self._feed.tell(event)
        finished = self._agent.toolbox.run(self.calls, self._context)
        try:
            async for result in finished:
                self._take(result)
        finally:
            await _close(finished)

    def close(self) -> tuple[Message, Message | None]:
        """The reply and the tool message. Calls that were told are kept, each with a result: an unanswered one would
        spoil every later prompt. Calls that were not told yet are dropped."""
        answered = {result.call_id for result in self.results}
        text = "not finished: the turn was stopped while this tool ran"
        for call in self.calls:
            if call.id not in answered:
                self._take(ToolResult(call_id=call.id, name=call.name, content=text, is_error=True))
        reply = self.reply.message(with_calls=bool(self.calls))
        return reply, Message(role="tool", parts=tuple(self.results)) if self.calls else None

    def _take(self, result: ToolResult) -> None:
        self.results.append(result)
        self._feed.tell(returned(result))

    def _context(self, call: ToolCall) -> ToolContext:
        return ToolContext(
            session_id=self._session.key.id,
            turn_id=self._turn_id,
            call_id=call.id,
            agent=self._agent.name,
            owner=self._session.key.owner,
            work_dir=self._session.work_dir,
            deadline=self._deadline,
        )


async def _close(iterator: AsyncIterator[Any]) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()
