"""Who may read what is remembered: the scope that an agent's settings give to a session."""

from sessionful.core.agent import Agent
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.lineage import log_at
from sessionful.domain.memory import Memory, Scope
from sessionful.domain.session import Session, SessionKey


def scope_of(agent: Agent, session: Session) -> Scope:
    """What `agent` reads and writes when it answers in `session`."""
    return scope_for(agent.settings.memory.longterm or LongTermMemory(), agent.name, session.key)


def scope_for(settings: LongTermMemory, agent: str, key: SessionKey) -> Scope:
    """`agent` is the one that answers, `key` the session's."""
    if settings.storage_scope == "all":
        return Scope(agent)
    if settings.storage_scope == "conversational":
        return Scope(agent, key.owner)
    return session_scope(key)


def session_scope(key: SessionKey) -> Scope:
    """What goes with the session. It bears the agent of the session's key, whichever agent answers: an id is unique
    with that one only, and what a session leaves lies in one place."""
    return Scope(key.agent, key.owner, key.id)


def may_change(owner: str, memory: Memory) -> bool:
    """In a scope that owners share nobody ends or erases what only others have said."""
    return not memory.sources or any(source.owner == owner for source in memory.sources)


def undone(memory: Memory, session: Session) -> bool:
    """Whether it was said only at places of this session's own log that the session was rewound from."""
    own = [source for source in memory.sources if source.log == session.log]
    if not own or len(own) < len(memory.sources):
        return False
    return all(log_at(session, source.at) != session.log for source in own)
