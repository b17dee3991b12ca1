"""Do what a frame asks for: admit a turn, stop one, or find the one to go on with."""

from collections.abc import Mapping, Sequence
from typing import Any

from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.domain.turn import TurnRecord
from sessionful.surfaces.http.body import one_of
from sessionful.surfaces.http.messages import posted_message, task_message
from sessionful.surfaces.http.preferences import idempotency_key, request_hash, session_id_for
from sessionful.surfaces.websocket.asks import Cancel, Resume, Say, Task
from sessionful.surfaces.websocket.subscription import Place, Subscription


async def begin(
    service: Service, owner: str, agent: str | None, ask: Say | Task, worker_in: float | None = None
) -> Subscription:
    """Admit a turn: in the session that is named, in the one that its key made before, or in a new one. Raises what
    `Service.start_turn` does. A key is the same one over HTTP."""
    if isinstance(ask, Say):
        key = idempotency_key(None, ask.request_id)
        asked = _Asked(service, owner, agent, posted_message(ask.message), ask.agent_id, key, None, worker_in)
        handle = await asked.admitted(ask.session_id, create=True)
        return _told(owner, agent, handle, debug=ask.debug)
    key = idempotency_key(ask.taskId) or idempotency_key(None, ask.request_id)
    asked = _Asked(service, owner, agent, task_message(ask.input), ask.agent_id, key, ask.parameters, worker_in)
    handle = await asked.admitted(_session_of(ask), create=False)
    return _told(owner, agent, handle, form="task", tag=ask.taskId or handle.turn_id)


async def cancel(
    service: Service, owner: str, agent: str | None, ask: Cancel, known: Sequence[Subscription]
) -> TurnRecord:
    """Stop a turn that one of the subscriptions is about, or that the session named has. The record is as it is then:
    a turn that waits, or runs elsewhere, has not heard of it yet. Raises InvalidRequest and what
    `Service.cancel_turn` does."""
    for one in known:
        if one.turn_id is not None and ask.cancel in (one.turn_id, one.tag):
            return await service.cancel_turn(owner, one.agent, one.session_id, one.turn_id)
    if ask.session_id is None:
        hint = "nothing of that id is told on this connection: name its session, too"
        raise InvalidRequest(hint, field="session_id")
    return await service.cancel_turn(owner, agent, ask.session_id, ask.cancel)


async def resume(service: Service, owner: str, agent: str | None, ask: Resume) -> Subscription:
    """Raises InvalidRequest, and where a task is named what `Service.find_turn` does."""
    Place.parse(ask.after)
    named = one_of("agent_id", agent, ask.agent_id)
    if ask.taskId is None:
        return Subscription(owner=owner, agent=named, session_id=ask.session_id, after=ask.after, debug=ask.debug)
    handle = await service.find_turn(owner, named, ask.session_id, ask.taskId)
    return _told(owner, named, handle, form="task", tag=ask.taskId, after=ask.after, debug=ask.debug)


class _Asked:
    def __init__(
        self,
        service: Service,
        owner: str,
        agent: str | None,
        message: Message,
        speaker: str | None,
        key: str | None,
        options: Mapping[str, Any] | None,
        worker_in: float | None,
    ) -> None:
        self._service, self._owner, self._agent = service, owner, agent
        self._message, self._speaker, self._key = message, speaker, key
        self._options, self._worker_in = options, worker_in

    async def admitted(self, session_id: str | None, create: bool) -> TurnHandle:
        if session_id is not None:
            return await self._start(session_id, create)
        if self._key is not None:
            return await self._start(session_id_for(self._owner, self._agent or "", self._key), True)
        made = await self._service.create_session(self._owner, self._agent, NewSession())
        return await self._start(made.key.id, False)

    async def _start(self, session_id: str, create: bool) -> TurnHandle:
        hashed = request_hash(self._message, self._speaker, self._options) if self._key is not None else None
        return await self._service.start_turn(
            self._owner,
            self._agent,
            session_id,
            self._message,
            speaker=self._speaker,
            idempotency_key=self._key,
            request_hash=hashed,
            options=self._options,
            create=create,
            worker_in=self._worker_in,
        )


def _session_of(ask: Task) -> str | None:
    named: str | None = None
    if ask.context is not None:
        named = one_of("context.sessionId", ask.context.sessionId, ask.context.session_id)
    return named


def _told(owner: str, agent: str | None, handle: TurnHandle, **wishes: Any) -> Subscription:
    home = handle.session.key.id
    return Subscription(owner=owner, agent=agent, session_id=home, turn_id=handle.turn_id, **wishes)
