"""Carries turns in this process: fresh ones, those whose holder is gone, and those that have waited their time."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.answer import Answer, answer_shape
from sessionful.core.attempt import Attempt
from sessionful.core.deadline import seconds_left
from sessionful.core.directory import Directory
from sessionful.core.endings import agentless, closing_entry, worn_out
from sessionful.core.feed import Feed
from sessionful.core.memory.upkeep import Upkeep
from sessionful.core.pace import Pace
from sessionful.core.queue import undo
from sessionful.core.resumption import Torn, told_before, torn_step
from sessionful.core.runs import Run, Runs
from sessionful.core.window import reach
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.error import AgentError, LeaseLost, ServerStopping, TurnCancelled
from sessionful.domain.session import SHARED_AGENT, RunningTurn, Session, SessionKey
from sessionful.domain.turn import Admitted, Entry, Taken
from sessionful.ports import Alarm, Clock, Wake

_MARGIN_SECONDS = 2.0
_PATIENCE = 10.0  # seconds that a process stays for the summary that nobody else would make

logger = logging.getLogger("sessionful.turn")


class Runner:
    """`alarm` wakes a worker for turns that may lose their holder; without one they wait for the next reader or
    message."""

    def __init__(self, directory: Directory, clock: Clock, pace: Pace, alarm: Alarm | None) -> None:
        self.runs = Runs()
        self.clock, self.pace = clock, pace
        self._directory, self._alarm = directory, alarm
        self._tasks: set[asyncio.Task[None]] = set()
        self._upkeep = Upkeep(clock)
        self._given_on: dict[str, int] = {}
        self.closing = False

    def begin(self, agent: Agent, admitted: Admitted, answer: Answer | None = None) -> Run:
        """Carry a turn that was just admitted."""
        return self._start(agent, admitted, admitted.past, answer)

    async def stir(self, session: Session) -> bool:
        """See to it that somebody carries the session's turn, or the next of those that wait. True when that was to be
        done, here or by somebody who was quicker."""
        if session.running is not None and self._just_given_on(session.running.turn_id):
            return False
        return await self._stir(session)

    async def _stir(self, session: Session) -> bool:
        running = session.running
        if running is not None and running.lease_until <= self.clock():
            await self.revive(session.key)
        elif running is None and session.queued:
            await self.advance(session.key)
        else:
            return False
        return True

    async def revive(self, key: SessionKey) -> Run | None:
        """Take over the session's turn if its holder is gone, and go on with it; or close it, if nobody can."""
        if self._leaving:
            return None
        log = self._directory.log_of(key.agent)
        taken = await log.take_over(key, self.clock() + self.pace.lease_ms)
        if taken is None:
            return None
        running = _running(taken)
        stored = await log.turn(taken.session, running.number)
        agent = self._directory.agents.get(running.agent)
        worn = worn_out(running, agent)
        if agent is None or worn is not None:
            await self._close(taken, stored, worn or agentless(running))
            await self.advance(key)
            return None
        torn = torn_step(taken.flushed, running.number, len(stored))
        return self._start(agent, taken, None, stored=stored, torn=torn)

    async def advance(self, key: SessionKey) -> Run | None:
        """Admit the turn that waits longest, if the session is free; withdrawn ones are closed on the way."""
        log = self._directory.log_of(key.agent)
        while not self._leaving and (waiting := await log.queued(key)):
            if waiting[0].undo is not None:
                await undo(log, key, waiting[0].undo)
            agent = self._directory.agents.get(waiting[0].agent)
            memory = agent.settings.memory.working if agent is not None else WorkingMemory()
            admitted = await log.begin_next(key, self.pace.lease_ms, reach(memory))
            if admitted is None:
                return None
            running = _running(admitted)
            agent = self._directory.agents.get(running.agent)
            if agent is not None and not running.cancel_asked:
                return self.begin(agent, admitted)
            error = TurnCancelled("it was withdrawn") if running.cancel_asked else agentless(running)
            await self._close(admitted, [], error)
        return None

    def arm(self, key: SessionKey, turn_id: str, delay: float | None = None) -> None:
        """Have a worker look at the turn: by default when its lease could have run out. Holds nothing up."""
        if self._alarm is not None:
            seconds = self.pace.lease_ms / 1000 + _MARGIN_SECONDS if delay is None else delay
            self._keep(self._set(self._alarm, Wake(key, turn_id), seconds))

    async def rest(self) -> None:
        """Hand over what still runs. Nothing is under way afterwards, alarms neither: the process may be frozen."""
        while self._tasks or list(self.runs) or not self._upkeep.idle:
            await self.runs.close("handed_over")
            await asyncio.gather(*self._tasks)
            await self._upkeep.rest()

    async def close(self) -> None:
        """Let go of every turn: to whoever takes over where there are workers, else settled as interrupted."""
        self.closing = True
        await self.runs.close("handed_over" if self._alarm is not None else "interrupted")
        while self._tasks:
            await asyncio.gather(*self._tasks)
        for key in await self._upkeep.close(_PATIENCE if self._alarm is None else 0.0):
            self.arm(key, "upkeep", 0.0)
        await asyncio.gather(*self._tasks)

    async def carry(self, session: Session) -> None:
        """Carry the session's turn, if nobody else does, and those that wait behind it, until there is none. Where no
        turn is, do what else is due in the session."""
        if not await self._stir(session) and session.running is None:
            await self.keep_up(session)
        while (run := self.runs.get(session.key)) is not None and run.then is not None:
            await run.then

    async def keep_up(self, session: Session) -> None:
        """Do what is due for the session's memory. It raises nothing but what the log raises."""
        log, name = self._directory.log_of(session.key.agent), session.key.agent
        if name == SHARED_AGENT:
            name = next((entry.agent for entry in await log.read(session, 1, newest_first=True)), name)
        if (agent := self._directory.agents.get(name)) is not None:
            await asyncio.shield(self._upkeep.start(agent, log, session))

    def check_time(self) -> None:
        """Raises ServerStopping when this process should begin nothing any more."""
        if self._leaving:
            raise ServerStopping("this process ends before it could carry a turn")

    @property
    def _leaving(self) -> bool:
        """Its readers are still there, but what nobody carries is for another process."""
        guest = not self.pace.lingers and self._alarm is not None
        return self.closing or guest or self.pace.too_late(seconds_left())

    def _just_given_on(self, turn_id: str) -> bool:
        """A worker was woken for it: a reader of this process, whose time for the turn is up, does not take it back."""
        since = self.clock() - self.pace.lease_ms
        self._given_on = {each: at for each, at in self._given_on.items() if at > since}
        return turn_id in self._given_on and self._alarm is not None

    def _start(
        self,
        agent: Agent,
        given: Admitted | Taken,
        newest: Sequence[Entry] | None,
        answer: Answer | None = None,
        stored: Sequence[Entry] = (),
        torn: Torn | None = None,
    ) -> Run:
        session, running = given.session, _running(given)
        self.arm(session.key, running.turn_id)
        attempt = Attempt(
            agent=agent,
            log=self._directory.log_of(session.key.agent),
            lease=given.lease,
            session=session,
            running=running,
            newest=newest,
            feed=Feed(running.number, running.attempt, told_before(session, running, stored)),
            clock=self.clock,
            pace=self.pace,
            answer=answer or _answer_of(running),
            stored=list(stored),
            torn=torn,
        )
        run = self.runs.start(attempt)
        run.then = self._keep(self._follow_up(run))
        return run

    async def _follow_up(self, run: Run) -> None:
        await run.task
        attempt = run.attempt
        key = attempt.session.key
        if attempt.after is not None:
            self._see_to_upkeep(attempt, attempt.after)
        if attempt.handed_over:
            self._given_on[attempt.running.turn_id] = self.clock()
            self.arm(key, attempt.running.turn_id, 0.0)
        elif attempt.after is not None and attempt.after.queued:
            if self._leaving:
                self.arm(key, attempt.running.turn_id, 0.0)
                return
            try:
                await self.advance(key)
            except AgentError as error:
                logger.warning("session=<%s> code=<%s> | the next turn waits for an alarm", key.id, error.code)

    def _see_to_upkeep(self, attempt: Attempt, after: Session) -> None:
        """The next turn does not wait for it."""
        ended = after.ended_at is not None  # while the turn ran
        if not ended and not self._upkeep.due(attempt.agent, attempt.past.tokens, attempt.stored):
            return
        if self._leaving and self._alarm is not None:
            self.arm(after.key, attempt.running.turn_id, 0.0)
        else:
            self._upkeep.start(attempt.agent, self._directory.log_of(after.key.agent), after)

    def _keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _close(self, given: Admitted | Taken, stored: Sequence[Entry], error: AgentError) -> None:
        running = _running(given)
        entry = closing_entry(given.lease, given.session, running, stored, self.clock(), error)
        with contextlib.suppress(LeaseLost):  # somebody else was first
            await self._directory.log_of(given.session.key.agent).settle(given.lease, entry)

    async def _set(self, alarm: Alarm, wake: Wake, delay: float) -> None:
        try:
            await alarm.set(wake, delay)
        except AgentError as error:
            logger.warning("turn=<%s> code=<%s> | no alarm was set", wake.turn_id, error.code)


def _running(given: Admitted | Taken) -> RunningTurn:
    running = given.session.running
    assert running is not None
    return running


def _answer_of(running: RunningTurn) -> Answer | None:
    return answer_shape(running.answer_schema) if running.answer_schema is not None else None
