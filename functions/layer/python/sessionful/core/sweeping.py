"""The end of sessions that have expired, where the store does not let them go by itself: their last memories are
stored, then all they owned is erased. Their heads go last: until then whoever sweeps next finds what is left to do."""

import asyncio
import contextlib
import logging
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.directory import Directory
from sessionful.core.erasure import erase_own, remembering
from sessionful.core.memory.extraction import remember
from sessionful.core.memory.scopes import scope_of
from sessionful.core.memory.transcript import ended_turns
from sessionful.domain.error import AgentError, SessionNotFound
from sessionful.domain.lineage import START
from sessionful.domain.session import Session
from sessionful.ports import Clock, SessionLog

GRACE_SECONDS = 7 * 86_400.0
"""How long an expired session can be told from one that never was."""

_PATIENCE_SECONDS = 86_400.0  # with a model that cannot store the last memories
_AT_ONCE = 50
_PAUSE_SECONDS = 60.0

logger = logging.getLogger("sessionful.sweeping")


class Swept(NamedTuple):
    """How many sessions were erased, and how many will be tried again."""

    erased: int
    left: int


class Sweeper:
    """Any number of them may be at work, in any number of processes. Where the last memories cannot be stored they are
    tried again by later sweeps, for a day."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory, self._clock = directory, clock

    async def run(self) -> None:
        """Sweeps from time to time, until it is cancelled."""
        while True:
            swept = await self.sweep()
            if swept.erased:
                logger.info("sessions=<%d> | erased, for they had expired", swept.erased)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def sweep(self, grace: float = GRACE_SECONDS) -> Swept:
        """Once over the sessions of the agents of this process that expired more than `grace` seconds ago. Raises
        nothing: what fails is told in the log."""
        at = self._clock() - int(grace * 1000)
        done = [await self._sweep_log(log, agents, at) for log, agents in self._directory.by_log()]
        return Swept(sum(one.erased for one in done), sum(one.left for one in done))

    async def _sweep_log(self, log: SessionLog, agents: list[str], at: int) -> Swept:
        erased, left = 0, set[str]()
        while True:
            try:
                found = await log.expired(agents, at, _AT_ONCE + len(left))
            except Exception as error:
                _tell("the expired sessions cannot be found", error)
                return Swept(erased, len(left))
            due = [session for session in found if session.log not in left]
            if not due:
                return Swept(erased, len(left))
            for session in due:
                try:
                    await self._end(log, session, at)
                    erased += 1
                except Exception as error:
                    left.add(session.log)
                    _tell(f"session=<{session.key.id}> | not swept, tried again later", error)

    async def _end(self, log: SessionLog, session: Session, at: int) -> None:
        try:
            await last_memories(self._directory, log, session)
        except Exception as error:
            if (session.expires_at or 0) + _PATIENCE_SECONDS * 1000 > at:
                raise
            _tell(f"session=<{session.key.id}> | it goes without its last memories", error)
        await erase_own(self._directory, log, session)
        with contextlib.suppress(SessionNotFound):  # another sweeper was quicker, or a new session has the id
            await log.delete(session.key, session.log)


async def last_memories(directory: Directory, log: SessionLog, session: Session) -> None:
    """Store what an ended session leaves to others. What only itself would read is not worth a model's time. Raises
    what the model, the log and the bank raise."""
    agents = leaving(directory, session)
    if agents and (session.sharing or session.key.agent not in directory.agents):
        spoke = {turn[0].agent async for turn in ended_turns(log, session, START)}
        agents = [agent for agent in agents if agent.name in spoke]  # the others have heard nothing of it
    for agent in agents:
        await remember(agent, log, session, flush=True)


def leaving(directory: Directory, session: Session) -> list[Agent]:
    """The agents that may have something to remember of the session for others."""
    return [agent for agent in remembering(directory, session) if scope_of(agent, session).session_id is None]


def _tell(what: str, error: Exception) -> None:
    if isinstance(error, AgentError):
        logger.warning("%s: %s (%s)", what, error.message, error.code)
    else:
        logger.error("%s", what, exc_info=error)
