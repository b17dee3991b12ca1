"""What a session leaves in the banks of memories, and how it goes: what was of this session only always, what others
may read as well only when somebody deleted the session. (One that has expired leaves its memories to those to come.)"""

import logging
from collections.abc import Iterator, Sequence

from sessionful.core.agent import Agent
from sessionful.core.directory import Directory
from sessionful.core.memory.extraction import progress_log
from sessionful.core.memory.scopes import scope_of, session_scope
from sessionful.domain.error import AgentError, SessionNotFound
from sessionful.domain.session import Session, SessionKey
from sessionful.ports import MemoryBank, SessionLog

logger = logging.getLogger("sessionful.erasure")


def answering(directory: Directory, session: Session) -> Sequence[Agent]:
    """The agents of this process that may have answered in the session."""
    own = directory.agents.get(session.key.agent)
    return [own] if own is not None and not session.sharing else list(directory.agents.values())


def remembering(directory: Directory, session: Session) -> list[Agent]:
    """Those of them that store what is worth remembering of it."""
    agents = answering(directory, session)
    return [agent for agent in agents if agent.bank is not None and agent.settings.memory.longterm is not None]


async def erase_session(directory: Directory, key: SessionKey) -> None:
    """Erase the session with all that came only from it. The banks come first, so that a deletion that breaks off can
    be asked for again; and last, for what was stored meanwhile. Raises SessionNotFound."""
    log = directory.log_of(key.agent)
    if all(agent.bank is None for agent in directory.agents.values()):
        await log.delete(key)
        return
    session = await log.head(key)
    await withdraw(directory, session)
    await erase_own(directory, log, session)
    await log.delete(key, session.log)
    try:
        await erase_own(directory, log, session)
    except AgentError as error:
        logger.warning("session=<%s> code=<%s> | a memory of it may be left", key.id, error.code)


async def clear_place(directory: Directory, key: SessionKey, now: int) -> None:
    """For a new session of an id that somebody chose: what an expired one left must not come up in it."""
    if all(agent.bank is None for agent in directory.agents.values()):
        return
    log = directory.log_of(key.agent)
    try:
        there = await log.head(key)
    except SessionNotFound:  # the store's own expiry may have taken it, and nobody has swept yet
        await _erase_remembered(directory, key)
    else:
        if there.expired(now):
            await erase_own(directory, log, there)


async def erase_own(directory: Directory, log: SessionLog, session: Session) -> None:
    """The memories that nobody reads outside of the session, its summaries, and how far it was remembered. Repeating it
    does nothing. Where a new session has the id by now, that one's memories stay."""
    key = session.key
    reused = await _has_successor(log, session)
    for bank, agents in _banks(answering(directory, session)):
        if reused:
            await bank.forget(session_scope(key), session.log)
        else:
            await bank.erase(session_scope(key))
        for name in dict.fromkeys((key.agent, *agents)):
            for told_of in (session.log, progress_log(session.log)):
                await bank.forget_summaries(key.owner, name, told_of)


async def withdraw(directory: Directory, session: Session) -> None:
    """What came only from this session, from the scopes in which other sessions read it."""
    for agent in answering(directory, session):
        scope = scope_of(agent, session)
        if agent.bank is not None and scope.session_id is None:
            await agent.bank.forget(scope, session.log)


async def _erase_remembered(directory: Directory, key: SessionKey) -> None:
    own = directory.agents.get(key.agent)
    agents = [own] if own is not None else list(directory.agents.values())
    for bank, _ in _banks([agent for agent in agents if agent.settings.memory.longterm is not None]):
        await bank.erase(session_scope(key))


async def _has_successor(log: SessionLog, session: Session) -> bool:
    try:
        return (await log.head(session.key)).log != session.log
    except SessionNotFound:
        return False


def _banks(agents: Sequence[Agent]) -> Iterator[tuple[MemoryBank, list[str]]]:
    """Each bank once, with the names of its agents."""
    banks: dict[int, tuple[MemoryBank, list[str]]] = {}
    for agent in agents:
        if agent.bank is not None:
            banks.setdefault(id(agent.bank), (agent.bank, []))[1].append(agent.name)
    yield from banks.values()
