"""The service every surface is given: sessions, and the turns that run in them."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer
from sessionful.core.attempt import Attempt
from sessionful.core.feed import Feed
from sessionful.core.records import record_of
from sessionful.core.runs import Run, Runs
from sessionful.core.sessions import Sessions
from sessionful.core.take_over import close_dead_turn
from sessionful.core.turns import POLL_SECONDS, TurnHandle
from sessionful.core.window import reach, window
from sessionful.domain.clock import now_ms
from sessionful.domain.error import (
    InvalidRequest,
    SessionBusy,
    SessionEnded,
    SessionExists,
    SessionNotFound,
    TurnNotFound,
)
from sessionful.domain.event import Cursor, Told
from sessionful.domain.identity import sortable_id, turn_number
from sessionful.domain.message import Message
from sessionful.domain.session import SHARED_AGENT, NewSession, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, Entry, NewTurn, TurnRecord
from sessionful.ports import Clock, SessionLog


class Service(Sessions):
    """`lease_ms`: how long a turn stays its holder's without a sign of life; a dead holder's is closed after that."""

    def __init__(
        self,
        agents: Sequence[Agent],
        log: SessionLog | None = None,
        *,
        timeout: float | None = None,
        max_duration: float | None = None,
        clock: Clock = now_ms,
        lease_ms: int = 30_000,
    ) -> None:
        super().__init__(agents, log, timeout=timeout, max_duration=max_duration, clock=clock)
        self._lease_ms = lease_ms
        self._runs = Runs()

    async def start_turn(
        self,
        owner: str,
        agent: str | None,
        session_id: str,
        message: Message,
        *,
        speaker: str | None = None,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        options: Mapping[str, Any] | None = None,
        answer: Answer | None = None,
        create: bool = False,
    ) -> TurnHandle:
        """Admit a turn and set it going. `speaker` is the agent that answers, by default the session's own.

        `options` override the agent's model options. With `create` a session that does not exist is made first.
        Raises AgentNotFound, SessionNotFound, SessionExpired, SessionEnded, SessionBusy, IdempotencyConflict and
        InvalidRequest; whatever happens after admission is told by the turn's events and record.
        """
        if message.role != "user" or not message.parts:
            raise InvalidRequest("a turn starts with a user's message that is not empty", field="message")
        asked = NewTurn(
            nonce=sortable_id(self.clock()),
            agent=speaker or "",
            message=message,
            lease_ms=self._lease_ms,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
        )
        try:
            answering, admitted = await self._enter(owner, agent, session_id, speaker, asked)
        except SessionNotFound:
            if not create:
                raise
            with contextlib.suppress(SessionExists):  # somebody else's first message came in between
                await self.create_session(owner, agent, NewSession(session_id=session_id))
            answering, admitted = await self._enter(owner, agent, session_id, speaker, asked)
        if isinstance(admitted, Attached):
            return self._handle(admitted.session, admitted.turn_id, attached=True)
        run = self._run(answering, admitted, answer, options or {})
        return TurnHandle(admitted.session, run.attempt.running.turn_id, run, self._stored)

    async def get_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnRecord:
        """By the turn's id, or by the idempotency key (task id) it was started with. Raises TurnNotFound."""
        key = await self.locate(owner, agent, session_id)
        return (await self._stored(key, await self._turn_id(key, turn_id)))[1]

    async def find_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnHandle:
        key = await self.locate(owner, agent, session_id)
        found = await self._turn_id(key, turn_id)
        await self._stored(key, found)
        return self._handle(await self.log_of(key.agent).get(key), found)

    async def cancel_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnRecord:
        """Stops the turn here and now when it runs in this process, else leaves word for its holder."""
        key = await self.locate(owner, agent, session_id)
        found = await self._turn_id(key, turn_id)
        run = self._runs.get(key, found)
        if run is not None:
            run.attempt.stop("cancelled")
            return await self._handle(run.attempt.session, found).result()
        record = (await self._stored(key, found))[1]
        number = turn_number(found)
        if record.status == "running" and number is not None:
            await self.log_of(key.agent).ask_cancel(key, number)
        return record

    async def delete_session(self, owner: str, agent: str | None, session_id: str) -> None:
        """Erase it. A turn that runs in it stops and writes nothing more."""
        key = await self.locate(owner, agent, session_id)
        run = self._runs.get(key)
        await self.log_of(key.agent).delete(key)
        if run is not None:
            run.attempt.stop("lost")

    async def follow(
        self, owner: str, agent: str | None, session_id: str, after: Cursor | None = None
    ) -> AsyncIterator[Told]:
        """Behind a cursor: everything later, of its turn and of what comes next. Without one: the running turn from its
        start, or the next. Waits for a turn when there is none; ends after the terminal event of a turn it told of."""
        key = await self.locate(owner, agent, session_id)
        head = await self.log_of(key.agent).get(key)
        number = after.turn if after is not None else head.turns + (0 if head.running is not None else 1)
        if number > head.turns + 1:
            raise InvalidRequest("the session has no such turn yet", field="after")
        while True:
            told_any = False
            handle = await self._numbered(key, max(number, 1))
            if handle is not None:
                async for told in handle.events(after):
                    told_any = True
                    yield told
                if told_any:
                    return
                number, after = number + 1, None
            else:
                await self._runs.next_start(key, POLL_SECONDS)

    async def close(self) -> None:
        """Stop the running turns (they are settled as interrupted), then the stores."""
        await self._runs.close()
        logs = {id(log): log for log in (self._shared_log, *(agent.log for agent in self.agents.values()))}
        for log in logs.values():
            await log.close()

    async def _enter(
        self, owner: str, agent: str | None, session_id: str, speaker: str | None, asked: NewTurn
    ) -> tuple[Agent, Admitted | Attached]:
        key = await self.locate(owner, agent, session_id)
        answering = await self._speaker(key, speaker)
        return answering, await self._admit(key, asked.model_copy(update={"agent": answering.name}), answering)

    async def _speaker(self, key: SessionKey, speaker: str | None) -> Agent:
        if speaker is None:
            if key.agent == SHARED_AGENT:
                raise InvalidRequest("this session has no agent of its own: name one", field="agent_id")
            return self.agent(key.agent)
        answering = self.agent(speaker)
        if key.agent in (speaker, SHARED_AGENT) or (await self.log_of(key.agent).get(key)).sharing:
            return answering
        raise InvalidRequest(
            f"the session belongs to agent {key.agent!r} and is not shared", field="agent_id", agent=key.agent
        )

    async def _admit(self, key: SessionKey, turn: NewTurn, agent: Agent) -> Admitted | Attached:
        log, span = self.log_of(key.agent), reach(agent.settings.memory.working)
        try:
            return await log.begin(key, turn, span)
        except SessionBusy as busy:
            if not busy.details.get("lease_expired"):
                raise
        await close_dead_turn(log, key, self.clock, self._lease_ms)
        return await log.begin(key, turn, span)

    def _run(self, agent: Agent, admitted: Admitted, answer: Answer | None, options: Mapping[str, Any]) -> Run:
        running = admitted.session.running
        assert running is not None
        attempt = Attempt(
            agent=agent,
            log=self.log_of(admitted.session.key.agent),
            lease=admitted.lease,
            session=admitted.session,
            running=running,
            past=window(admitted.past, agent.settings.memory.working),
            feed=Feed(running.number, running.attempt),
            clock=self.clock,
            lease_ms=self._lease_ms,
            answer=answer,
            options=options,
        )
        return self._runs.start(attempt)

    def _handle(self, session: Session, turn_id: str, attached: bool = False) -> TurnHandle:
        return TurnHandle(session, turn_id, self._runs.get(session.key, turn_id), self._stored, attached)

    async def _numbered(self, key: SessionKey, number: int) -> TurnHandle | None:
        run = self._runs.get(key)
        if run is not None and run.attempt.running.number == number:
            return self._handle(run.attempt.session, run.attempt.running.turn_id)
        log = self.log_of(key.agent)
        session = await log.get(key)
        if session.running is not None and session.running.number == number:
            return self._handle(session, session.running.turn_id)
        if number > session.turns and session.ended_at is not None:
            raise SessionEnded("the session was ended: no turn will follow", session_id=key.id)
        entries = await log.turn(session, number) if number <= session.turns else []
        return self._handle(session, entries[0].turn_id) if entries else None

    async def _turn_id(self, key: SessionKey, turn_id: str) -> str:
        if turn_number(turn_id) is not None:
            return turn_id
        found = await self.log_of(key.agent).turn_for(key, turn_id)
        if found is None:
            raise TurnNotFound("the session has no such turn", turn_id=turn_id[:80])
        return found

    async def _stored(self, key: SessionKey, turn_id: str) -> tuple[list[Entry], TurnRecord]:
        """A turn as the log has it; one whose holder died is closed first."""
        log, number = self.log_of(key.agent), turn_number(turn_id)
        session = await log.get(key)
        running = session.running if session.running is not None and session.running.turn_id == turn_id else None
        if running is not None and running.lease_until <= self.clock():
            await close_dead_turn(log, key, self.clock, self._lease_ms)
            session, running = await log.get(key), None
        entries = await log.turn(session, number or 0)
        if (entries and entries[0].turn_id != turn_id) or not (entries or running):
            raise TurnNotFound("the session has no such turn", turn_id=turn_id[:80])
        return entries, record_of(key.id, entries, running)
