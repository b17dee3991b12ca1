"""The rules of memories that every bank keeps: what lives, what merging makes of two, what an end looks like."""

from collections.abc import Iterable

from sessionful.domain.error import InvalidRequest, MemoryNotFound
from sessionful.domain.memory import Memory, Scope, Source
from sessionful.stores.cursor import decoded, encoded


def expired(memory: Memory, now: int) -> bool:
    return memory.expires_at is not None and memory.expires_at <= now


def merged(kept: Memory, said_again: Memory) -> Memory:
    """What is kept, with the sources of what was said again; with its vector where it had none, and for as long as
    either of the two was to be kept."""
    sources = all_sources(kept.sources, said_again.sources)
    fields: dict[str, object] = {"sources": sources, "expires_at": later(kept.expires_at, said_again.expires_at)}
    if not kept.vector and said_again.vector:
        fields |= {"model": said_again.model, "vector": said_again.vector}
    if said_again.supersedes:
        fields["supersedes"] = tuple(dict.fromkeys([*kept.supersedes, *said_again.supersedes]))
    return kept.model_copy(update=fields)


def all_sources(known: Iterable[Source], new: Iterable[Source]) -> tuple[Source, ...]:
    """Each once, in the order in which they came."""
    return tuple(dict.fromkeys([*known, *new]))


def each_source_once(memory: Memory) -> Memory:
    return memory.model_copy(update={"sources": all_sources((), memory.sources)})


def later(one: int | None, other: int | None) -> int | None:
    """Of two expiries; None is never."""
    return None if one is None or other is None else max(one, other)


def contradicting(by: Memory, ended: str) -> Memory:
    """`by`, naming the memory that it ends."""
    return by.model_copy(update={"supersedes": tuple(dict.fromkeys([*by.supersedes, ended]))})


def ended(memory: Memory, by: Memory, at: int) -> Memory:
    return memory.model_copy(update={"ended_at": at, "superseded_by": by.id})


def check_new(scope: Scope, by: Memory, memory_id: str) -> None:
    """Raises InvalidRequest for a memory that cannot contradict that one."""
    if by.scope != scope:
        raise InvalidRequest("a memory is contradicted in its own scope", field="scope")
    if by.id == memory_id:
        raise InvalidRequest("a memory cannot contradict itself", field="id")


def id_taken(memory_id: str) -> InvalidRequest:
    return InvalidRequest("there is another memory of this id", field="id", given=memory_id[:80])


def not_found(memory_id: str) -> MemoryNotFound:
    return MemoryNotFound("there is no such memory", memory_id=memory_id[:80])


def write_place(memory: Memory) -> str:
    """The cursor of a page that ends with this memory."""
    return encoded(["memory", memory.created_at, memory.id])


def read_place(cursor: str) -> tuple[int, str]:
    """When the last memory of the page was made, and its id. Raises InvalidRequest for what `write_place` did not
    write."""
    match decoded(cursor):
        case ["memory", int(created_at), str(memory_id)] if abs(created_at) < 2**63:
            return created_at, memory_id
    raise InvalidRequest("the cursor is not one that these memories gave", field="cursor", given=cursor[:80])
