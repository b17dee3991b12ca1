"""The service every surface is given: sessions, and the turns that run in them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sessionful.core.admission import Admission
from sessionful.core.agent import Agent
from sessionful.core.answer import Answer
from sessionful.core.erasure import erase_session, remembering
from sessionful.core.memories import Memories
from sessionful.core.pace import Pace
from sessionful.core.records import record_of, waiting_record
from sessionful.core.runner import Runner
from sessionful.core.tail import Tail
from sessionful.core.turns import TurnHandle
from sessionful.domain.clock import now_ms
from sessionful.domain.error import (
    InvalidRequest,
    SessionExists,
    SessionExpired,
    SessionNotFound,
    TurnNotFound,
)
from sessionful.domain.event import Cursor, Told
from sessionful.domain.identity import sortable_id, turn_number
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, NewTurn, Queued, TurnRecord
from sessionful.ports import Alarm, Clock, SessionLog, Wake


class Service(Memories):
    """`pace` says how turns are carried; `alarm` has a worker look after those that may lose their holder."""

    def __init__(
        self,
        agents: Sequence[Agent],
        log: SessionLog | None = None,
        *,
        timeout: float | None = None,
        max_duration: float | None = None,
        clock: Clock = now_ms,
        pace: Pace | None = None,
        alarm: Alarm | None = None,
    ) -> None:
        super().__init__(agents, log, timeout=timeout, max_duration=max_duration, clock=clock)
        self._pace, self._alarm = pace or Pace(), alarm
        self._runner = Runner(self, clock, self._pace, alarm)
        self._admission = Admission(self, self._runner)
        self._ending: set[asyncio.Task[None]] = set()

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
        worker_in: float | None = None,
    ) -> TurnHandle:
        """Admit a turn and set it going. `speaker` is the agent that answers, by default the session's own.

        `options` override the agent's model options. With `create` a session that does not exist is made first.
        `worker_in` has a worker carry the turn, where there is one, and wakes it in so many seconds. A session that is
        taken refuses the message, or has it wait: the agent's `concurrency` decides. A turn whose holder died is gone
        on with first.
        Raises AgentNotFound, SessionNotFound, SessionExpired, SessionEnded, SessionBusy, IdempotencyConflict and
        InvalidRequest; whatever happens after admission is told by the turn's events and record.
        """
        if message.role != "user" or not message.parts:
            raise InvalidRequest("a turn starts with a user's message that is not empty", field="message")
        asked = NewTurn(
            nonce=sortable_id(self.clock()),
            agent=speaker or "",
            message=message,
            lease_ms=self._pace.lease_ms,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            options=dict(options or {}),
            answer_schema=dict(answer.schema) if answer is not None else None,
        )
        try:
            answering, admitted = await self._admission.enter(owner, agent, session_id, speaker, asked)
        except SessionNotFound:
            if not create:
                raise
            with contextlib.suppress(SessionExists):  # somebody else's first message came in between
                await self.create_session(owner, agent, NewSession(session_id=session_id))
            answering, admitted = await self._admission.enter(owner, agent, session_id, speaker, asked)
        return await self._started(answering, admitted, answer, worker_in if self._alarm is not None else None)

    async def get_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnRecord:
        """By the turn's id, or by the idempotency key (task id) it was started with. Raises TurnNotFound."""
        return await (await self.find_turn(owner, agent, session_id, turn_id)).result(wait=0)

    async def find_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnHandle:
        """Raises TurnNotFound."""
        key = await self.locate(owner, agent, session_id)
        found = await self._turn_id(key, turn_id)
        handle = self._handle(await self.log_of(key.agent).get(key), found)
        await handle.result(wait=0)
        return handle

    async def waiting_turns(self, owner: str, agent: str | None, session_id: str) -> list[TurnRecord]:
        """The turn that runs, and those that wait behind it, in order."""
        key = await self.locate(owner, agent, session_id)
        log = self.log_of(key.agent)
        session = await log.get(key)
        waiting = [waiting_record(session_id, one) for one in (await log.queued(key) if session.queued else ())]
        if session.running is None:
            return waiting
        stored = await log.turn(session, session.running.number)
        return [record_of(session_id, stored, session.running), *waiting]

    async def cancel_turn(self, owner: str, agent: str | None, session_id: str, turn_id: str) -> TurnRecord:
        """Stops the turn here and now when it runs in this process, else leaves word for its holder, or with the turn
        where it waits."""
        handle = await self.find_turn(owner, agent, session_id, turn_id)
        key, found = handle.session.key, handle.turn_id
        run = self._runner.runs.get(key, found)
        if run is not None:
            run.attempt.stop("cancelled")
            return await handle.result()
        record = await handle.result(wait=0)
        if record.status in ("running", "queued"):
            await self.log_of(key.agent).ask_cancel(key, turn_number(found) or 0)
        return record

    async def delete_session(self, owner: str, agent: str | None, session_id: str) -> None:
        """Erase it, with all that was remembered of it alone. A turn that runs in it stops and writes nothing more."""
        key = await self.locate(owner, agent, session_id)
        run = self._runner.runs.get(key)
        await erase_session(self, key)
        if run is not None:
            run.attempt.stop("deleted")

    async def end_session(self, owner: str, agent: str | None, session_id: str) -> Session:
        """Ended sessions can be read until they expire, not continued. What is still to be remembered of it is stored
        afterwards, by a worker where there is one. Ending twice is no error."""
        session = await super().end_session(owner, agent, session_id)
        if remembering(self, session):
            if self._alarm is not None:
                self._runner.arm(session.key, "ended", 0.0)
            else:
                task = asyncio.create_task(self._runner.keep_up(session))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
        return session

    async def follow(
        self, owner: str, agent: str | None, session_id: str, after: Cursor | None = None
    ) -> AsyncIterator[Told]:
        """Behind a cursor: everything later, of its turn and of what comes next. Without one: the running turn from its
        start, or the next. Waits for a turn when there is none; ends after the terminal event of a turn it told of."""
        key = await self.locate(owner, agent, session_id)
        async for told in Tail(self.log_of(key.agent), key, self._runner).events(after):
            yield told

    async def look_after(self, wake: Wake) -> None:
        """What a worker does when an alarm rings: carry the session's turn if its holder is gone, and those that wait
        behind it. While the holder lives the alarm is set again. Raises AgentNotFound for an agent that is configured
        elsewhere, and ServerStopping when this process has too little time left to carry a turn."""
        self._runner.check_time()
        log = self.log_of(wake.key.agent)
        try:
            session = (await log.watch(wake.key)).session
        except SessionNotFound:
            return
        except SessionExpired:
            run = await self._runner.revive(wake.key)
            if run is not None:
                await run.task
            return
        running = session.running
        if running is None or running.lease_until <= self.clock():
            await self._runner.carry(session)
        elif (turn_number(wake.turn_id) or 0) >= running.number:  # a later turn has an alarm of its own
            self._runner.arm(wake.key, running.turn_id)

    async def rest(self) -> None:
        """Before the process is frozen: whatever turn it still carries is handed over, and every alarm is set."""
        await self._runner.rest()

    async def let_go(self) -> None:
        """Of the running turns: with an alarm they go on elsewhere, else they are settled as interrupted."""
        await asyncio.sleep(0)  # what was begun a moment ago is under way then, and let go of as well
        await self._runner.close()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the running turns, then of the stores."""
        await self.let_go()
        agents = self.agents.values()
        opened = [self._shared_log, *(x for agent in agents for x in (agent.log, agent.bank, agent.embedder))]
        for each in {id(one): one for one in opened if one is not None}.values():
            await each.close()

    async def _started(
        self, agent: Agent, admitted: Admitted | Attached | Queued, answer: Answer | None, worker_in: float | None
    ) -> TurnHandle:
        if not isinstance(admitted, Admitted):
            attached = isinstance(admitted, Attached)
            if not attached:
                self._runner.arm(admitted.session.key, admitted.turn_id)
            return self._handle(admitted.session, admitted.turn_id, attached)
        running = admitted.session.running
        assert running is not None
        if worker_in is not None:
            await self.log_of(admitted.session.key.agent).release(admitted.lease)
            self._runner.arm(admitted.session.key, running.turn_id, worker_in)
        else:
            self._runner.begin(agent, admitted, answer)
        return self._handle(admitted.session, running.turn_id)

    def _handle(self, session: Session, turn_id: str, attached: bool = False) -> TurnHandle:
        return TurnHandle(session, turn_id, self.log_of(session.key.agent), self._runner, attached)

    async def _turn_id(self, key: SessionKey, turn_id: str) -> str:
        if turn_number(turn_id) is not None:
            return turn_id
        found = await self.log_of(key.agent).turn_for(key, turn_id)
        if found is None:
            raise TurnNotFound("the session has no such turn", turn_id=turn_id[:80])
        return found
