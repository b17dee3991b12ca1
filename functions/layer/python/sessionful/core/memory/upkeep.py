"""What is due after a turn and at a session's end, out of everybody's way: the summary, and what to remember."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.deadline import seconds_left
from sessionful.core.memory.extraction import remember
from sessionful.core.memory.tokens import counter_of
from sessionful.core.memory.working import outgrown, summarise
from sessionful.core.window import tokens_of
from sessionful.domain.error import AgentError, SessionExpired, SessionNotFound
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Entry
from sessionful.ports import Clock, SessionLog

_LONGEST = 180.0  # seconds

logger = logging.getLogger("sessionful.memory")


class _Job(NamedTuple):
    agent: Agent
    log: SessionLog
    session: Session


class Upkeep:
    """In each session one thing at a time; what comes due meanwhile is seen to afterwards. A failure is logged, and
    what it left undone is due again after the next turn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[SessionKey, asyncio.Task[None]] = {}
        self._next: dict[SessionKey, _Job] = {}

    def due(self, agent: Agent, tokens: int, turn: Sequence[Entry]) -> bool:
        """After this turn, that began with so many tokens behind the summary. Asks nobody."""
        if agent.bank is None or not turn:
            return False
        spoken = tokens_of(turn, agent.settings.memory.working, counter_of(agent.model))
        return outgrown(agent, tokens + spoken) or _full_batch(agent, turn[0].position.turn)

    def start(self, agent: Agent, log: SessionLog, session: Session) -> "asyncio.Task[None]":
        """Do what is due in the session, as its head shows it. It raises nothing."""
        key, job = session.key, _Job(agent, log, session)
        if (task := self._tasks.get(key)) is not None:
            self._next[key] = job
            return task
        task = self._tasks[key] = asyncio.create_task(self._work(job), name=f"upkeep of {key.id}")
        return task

    @property
    def idle(self) -> bool:
        return not self._tasks

    async def rest(self) -> None:
        """Until nothing is under way."""
        while self._tasks:
            await asyncio.wait([*self._tasks.values()])

    async def close(self, patience: float) -> list[SessionKey]:
        """Wait so many seconds, then let go. Returns the sessions where something was left undone."""
        tasks = dict(self._tasks)
        if tasks and patience > 0:
            await asyncio.wait(tasks.values(), timeout=patience)
        undone = [key for key in tasks if key in self._tasks]
        self._next.clear()
        for task in (rest := [*self._tasks.values()]):
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        return undone

    async def _work(self, job: _Job | None) -> None:
        assert job is not None
        key = job.session.key
        try:
            while job is not None:
                await self._look(job)
                job = self._next.pop(key, None)
        finally:
            self._tasks.pop(key, None)

    async def _look(self, job: _Job) -> None:
        agent, log, session = job
        if agent.bank is None:
            return
        summarised = await _well("a summary", session, summarise(agent, log, session, self._clock))
        if agent.settings.memory.longterm is not None:
            await _well("what to remember", session, remember(agent, log, session))
        if summarised:
            await _well("what was deleted", session, _forget_if_gone(job))


def _full_batch(agent: Agent, turn: int) -> bool:
    longterm = agent.settings.memory.longterm
    return longterm is not None and longterm.batch_size > 0 and turn % longterm.batch_size == 0


async def _well(what: str, session: Session, work: Awaitable[bool | None]) -> bool:
    """False when it failed, was too slow, or says so itself."""
    left = seconds_left()
    try:
        async with asyncio.timeout(_LONGEST if left is None else min(left, _LONGEST)):
            return await work is not False
    except TimeoutError:
        logger.warning("session=<%s> | %s took too long", session.key.id, what)
    except AgentError as error:
        logger.warning("session=<%s> code=<%s> | %s failed: %s", session.key.id, error.code, what, error.message)
    except Exception:
        logger.exception("session=<%s> | %s failed", session.key.id, what)
    return False


async def _forget_if_gone(job: _Job) -> None:
    """A session may be deleted while its summary is made: then nobody else would erase that."""
    agent, log, session = job
    try:
        there = (await log.get(session.key)).log == session.log
    except SessionExpired:
        return
    except SessionNotFound:
        there = False
    if not there and agent.bank is not None:
        await agent.bank.forget_summaries(session.key.owner, session.key.agent, session.log)
