"""What a command needs of the sessions it works on, wherever they are: in this machine's store or behind a URL."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, Self

from pydantic import ConfigDict

from sessionful.domain.agent import Reasoning
from sessionful.domain.error import InvalidRequest
from sessionful.domain.event import Told
from sessionful.domain.memory import Memory
from sessionful.domain.message import Value
from sessionful.domain.session import SHARED_AGENT, Session
from sessionful.domain.usage import Usage


class AgentInfo(NamedTuple):
    """Who answers, with which model, and what of its doing is shown."""

    name: str
    model: str
    reasoning: Reasoning


class SessionInfo(Value):
    """A session as the wire contract spells it, each fact once."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    id: str
    agent_id: str | None
    title: str | None = None
    status: str
    message_count: int
    usage: Usage
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    parent: dict[str, Any] | None = None
    metadata: dict[str, Any]
    state: dict[str, Any]

    @classmethod
    def of(cls, session: Session) -> Self:
        parent, expires = session.parent, session.expires_at
        return cls(
            id=session.key.id,
            agent_id=session.key.agent if session.key.agent != SHARED_AGENT else None,
            title=session.title,
            status=session.status,
            message_count=session.message_count,
            usage=session.usage,
            created_at=_time(session.created_at),
            updated_at=_time(session.updated_at),
            expires_at=_time(expires) if expires is not None else None,
            parent={"session_id": parent.session_id, "at": ".".join(map(str, parent.at))} if parent else None,
            metadata=session.metadata,
            state=session.state,
        )


class Said(Value):
    """One message of the history. `torn` marks a reply that broke off, `status` is its turn's."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    id: str
    role: str
    text: str
    status: str
    torn: bool = False


class MemoryInfo(Value):
    """A memory as the wire contract spells it. It holds until `ended_at`; then `superseded_by` took its place."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    id: str
    kind: str
    text: str
    sources: list[dict[str, Any]]
    created_at: datetime
    ended_at: datetime | None = None
    superseded_by: str | None = None
    supersedes: list[str]

    @classmethod
    def of(cls, memory: Memory, owner: str) -> Self:
        mine = [source for source in memory.sources if source.owner == owner]
        return cls(
            id=memory.id,
            kind=memory.kind,
            text=memory.text,
            sources=[{"session_id": each.session_id, "at": ".".join(map(str, each.at))} for each in mine],
            created_at=_time(memory.created_at),
            ended_at=_time(memory.ended_at) if memory.ended_at is not None else None,
            superseded_by=memory.superseded_by,
            supersedes=list(memory.supersedes),
        )


class Conversations(Protocol):
    """The sessions of one caller, with one agent where one was named. Every method raises the errors of the house,
    the same ones here as from a server."""

    async def agent(self) -> AgentInfo:
        """The agent that was named, or the only one. Raises AgentNotFound, and InvalidRequest when it is not clear."""
        ...

    async def get(self, session_id: str) -> SessionInfo: ...

    def sessions(self, limit: int) -> AsyncIterator[SessionInfo]:
        """The newest activity first."""
        ...

    def history(self, session_id: str) -> AsyncIterator[Said]:
        """Oldest first, to the end."""
        ...

    async def clear(self, session_id: str) -> None:
        """Start anew under the same id."""
        ...

    async def delete(self, session_id: str) -> None: ...

    async def fork(self, session_id: str, new_id: str | None, at: str | None) -> SessionInfo: ...

    async def checkpoint(self, session_id: str, name: str | None) -> str:
        """The name of the point; a generated one when none is given."""
        ...

    async def rewind(self, session_id: str, to: str) -> SessionInfo: ...

    async def export_document(self, session_id: str) -> dict[str, Any]: ...

    async def import_document(self, document: Mapping[str, Any], session_id: str | None) -> SessionInfo: ...

    def memories(self, session_id: str, limit: int, ended: bool) -> AsyncIterator[MemoryInfo]:
        """What the session's agent remembers in it, newest first; with `ended` what no longer holds, too."""
        ...

    async def add_memory(self, session_id: str, text: str) -> MemoryInfo: ...

    async def correct_memory(self, session_id: str, memory_id: str, text: str) -> MemoryInfo:
        """What took its place."""
        ...

    async def delete_memory(self, session_id: str, memory_id: str) -> None: ...

    def turn(self, session_id: str, text: str, key: str) -> AsyncIterator[Told]:
        """Say something, and hear the turn to its terminal event. The session is made when it is not there. `key` is
        the turn's idempotency key, and names it when it is to be cancelled."""
        ...

    async def cancel(self, session_id: str, key: str) -> None:
        """Stop the turn; returns when it is settled or about to be. Raises TurnNotFound before it was admitted."""
        ...

    async def close(self) -> None: ...


def several_agents(names: Iterable[str]) -> InvalidRequest:
    return InvalidRequest(f"there are several agents; name one with --agent: {', '.join(names)}", field="agent")


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
