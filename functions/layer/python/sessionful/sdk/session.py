"""`Session`: a conversation that remembers, with a synchronous and an asynchronous face."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sessionful.core import portal
from sessionful.core.answer import Answer, answer_shape
from sessionful.core.document import from_document
from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.domain.error import SessionExists, error_from
from sessionful.domain.event import AnyEvent
from sessionful.domain.identity import new_session_id
from sessionful.domain.message import Message
from sessionful.domain.session import Checkpoint, NewSession, SessionChange, check_session_id
from sessionful.domain.turn import TurnRecord
from sessionful.ports import Model
from sessionful.sdk.response import EventStream, Response, response_of
from sessionful.stores.four_verbs import AGENT, OWNER, put_document


class Host(Protocol):
    """What a session needs of the Agent that opened it."""

    model: Model
    service: Service

    @property
    def system(self) -> str | None: ...


class Session:
    """Made by `agent.session()`. Methods without `_async` may be called anywhere, also where an event loop runs.

    A turn that fails raises an AgentError and leaves nothing in `messages`.
    """

    def __init__(
        self,
        agent: Host,
        session_id: str | None = None,
        system: str | None = None,
        messages: Sequence[Message] | None = None,
        work_dir: str | None = None,
    ) -> None:
        self._agent, self._service = agent, agent.service
        self.session_id = check_session_id(session_id) if session_id is not None else new_session_id()
        self._new = NewSession(
            session_id=self.session_id, system=system, work_dir=work_dir, messages=tuple(messages or ())
        )
        self._opened = False

    @property
    def system(self) -> str | None:
        """The session's own system prompt, else the agent's."""
        return self._new.system if self._new.system is not None else self._agent.system

    def run(self, text: "str | Message", **options: Any) -> Response:
        """One turn. `options`: temperature, max_tokens, top_p, seed, stop. Raises AgentError."""
        return portal.run(self.run_async(text, **options))

    async def run_async(self, text: "str | Message", **options: Any) -> Response:
        handle = await self._start(text, options)
        return response_of(_succeeded(await handle.result()), self._agent.model.name)

    def stream(self, text: "str | Message", **options: Any) -> Iterator[AnyEvent]:
        """The turn's events as they come; the last is `turn_completed`. A turn that fails raises at the end."""
        return portal.iterate(self._events(text, options))

    def stream_async(self, text: "str | Message", **options: Any) -> EventStream:
        return EventStream(self._events(text, options))

    def json(self, text: "str | Message", schema: Any, **options: Any) -> Response:
        """A typed answer: `schema` is a pydantic model, any type pydantic knows, or a JSON schema; `response.output`
        is the value. An answer that does not fit goes back to the model, twice; then SchemaValidationError is raised.
        """
        return portal.run(self.json_async(text, schema, **options))

    async def json_async(self, text: "str | Message", schema: Any, **options: Any) -> Response:
        answer = answer_shape(schema)
        handle = await self._start(text, options, answer)
        record = _succeeded(await handle.result())
        return response_of(record, self._agent.model.name, answer.parse(record.output))

    @property
    def messages(self) -> list[Message]:
        """A copy of the history: tool calls and results are part of it, failed turns are not."""
        return portal.run(self._messages())

    def add_message(self, message: Message) -> None:
        """Put a message into the history without asking the model."""
        portal.run(self._add(message))

    def clear(self) -> None:
        """Forget the history; the id, the system prompt and the rest stay."""
        portal.run(self._clear())

    def fork(self, session_id: str | None = None, at: str | None = None) -> "Session":
        """A session that shares the past so far (or up to turn `at`) and goes its own way. Raises SessionExists."""
        return portal.run(self._fork(session_id, at))

    def checkpoint(self, name: str | None = None) -> Checkpoint:
        """Name the point where the session is, to go back to it later. Raises CheckpointExists and SessionBusy."""
        return portal.run(self._checkpoint(name))

    def rewind(self, to: str) -> None:
        """Bring messages and state back to a checkpoint (by its name), a turn (`12`, or its id) or a step (`12.3`).
        Raises CheckpointNotFound, TurnNotFound and SessionBusy."""
        portal.run(self._rewind(to))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe document of the session: id, system prompt, metadata, state, messages."""
        return portal.run(self._to_dict())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], agent: Host) -> "Session":
        """Restore a session from its document; what the agent's store has under that id is replaced by it."""
        new = from_document(data)
        session = cls(agent, session_id=new.session_id, system=new.system, work_dir=new.work_dir)
        log = agent.service.log_of(AGENT)
        portal.run(put_document(log, session.session_id, data))
        session._opened = True
        return session

    async def _start(
        self, text: "str | Message", options: Mapping[str, Any], answer: Answer | None = None
    ) -> TurnHandle:
        await self._open()
        message = text if isinstance(text, Message) else Message.user(text)
        chosen = {name: value for name, value in options.items() if value is not None}
        return await self._service.start_turn(OWNER, AGENT, self.session_id, message, options=chosen, answer=answer)

    async def _events(self, text: "str | Message", options: Mapping[str, Any]) -> AsyncIterator[AnyEvent]:
        handle = await self._start(text, options)
        async for told in handle.events():
            yield told.event
        _succeeded(await handle.result())

    async def _open(self) -> None:
        if self._opened:
            return
        try:
            await self._service.create_session(OWNER, AGENT, self._new)
        except SessionExists:
            await self._resume()
        self._opened = True

    async def _resume(self) -> None:
        if self._new.messages:
            raise SessionExists("the session has a past already", session_id=self.session_id)
        if self._new.system is not None:
            change = SessionChange(system=self._new.system)
            await self._service.change_session(OWNER, AGENT, self.session_id, change)

    async def _messages(self) -> list[Message]:
        await self._open()
        return await self._service.messages(OWNER, AGENT, self.session_id)

    async def _add(self, message: Message) -> None:
        await self._open()
        await self._service.add_messages(OWNER, AGENT, self.session_id, [message])

    async def _clear(self) -> None:
        await self._open()
        await self._service.clear_session(OWNER, AGENT, self.session_id)

    async def _fork(self, session_id: str | None, at: str | None) -> "Session":
        await self._open()
        child = await self._service.fork_session(OWNER, AGENT, self.session_id, session_id, at)
        forked = Session(self._agent, session_id=child.key.id, system=self._new.system, work_dir=self._new.work_dir)
        forked._opened = True
        return forked

    async def _checkpoint(self, name: str | None) -> Checkpoint:
        await self._open()
        return await self._service.create_checkpoint(OWNER, AGENT, self.session_id, name)

    async def _rewind(self, to: str) -> None:
        await self._open()
        await self._service.rewind_session(OWNER, AGENT, self.session_id, to)

    async def _to_dict(self) -> dict[str, Any]:
        await self._open()
        return await self._service.export_session(OWNER, AGENT, self.session_id)


def _succeeded(record: TurnRecord) -> TurnRecord:
    if record.status != "completed":
        raise error_from(record.error or {"code": "internal_error", "message": "the turn failed"})
    return record
