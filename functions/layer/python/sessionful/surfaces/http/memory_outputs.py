"""Memories as clients get them: never a vector, and of the sources the caller's own."""

from typing import Literal, Self

from pydantic import Field

from sessionful.domain.memory import Kind, Memory, Scope, Source
from sessionful.surfaces.http.outputs import Resource, place, rfc3339

ScopeName = Literal["session", "conversational", "all"]


class MemorySourceResource(Resource):
    """`at` is the step that said it."""

    session_id: str
    at: str

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(session_id=source.session_id, at=place(source.at))


class MemoryResource(Resource):
    """It holds until `ended_at`; then `superseded_by` is the id of what took its place."""

    id: str
    kind: Kind
    text: str
    scope: ScopeName = Field(description="Who reads it: this session, all of the owner's, or every owner's.")
    sources: list[MemorySourceResource] = Field(description="Where the caller said it. None: it was put in.")
    created_at: str
    ended_at: str | None
    superseded_by: str | None
    supersedes: list[str]
    expires_at: str | None

    @classmethod
    def of(cls, memory: Memory, owner: str) -> Self:
        ended, expires = memory.ended_at, memory.expires_at
        return cls(
            id=memory.id,
            kind=memory.kind,
            text=memory.text,
            scope=_scope(memory.scope),
            sources=[MemorySourceResource.of(source) for source in memory.sources if source.owner == owner],
            created_at=rfc3339(memory.created_at),
            ended_at=rfc3339(ended) if ended is not None else None,
            superseded_by=memory.superseded_by,
            supersedes=list(memory.supersedes),
            expires_at=rfc3339(expires) if expires is not None else None,
        )


class MemoryList(Resource):
    """Newest first."""

    memories: list[MemoryResource]
    next_cursor: str | None


def _scope(scope: Scope) -> ScopeName:
    if scope.owner is None:
        return "all"
    return "conversational" if scope.session_id is None else "session"
