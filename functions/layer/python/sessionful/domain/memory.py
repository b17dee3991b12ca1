"""What outlives the window: memories with their scope and their source, and the summary of what lies before it."""

import hashlib
import unicodedata
from typing import Literal, NamedTuple

from pydantic import Field

from sessionful.domain.message import Value
from sessionful.domain.session import Position

Kind = Literal["fact", "summary"]


class Scope(NamedTuple):
    """Who may read a memory, and where it was written: one of three. `session`: this session of this owner with this
    agent. `conversational`: all of this owner's with this agent (`session_id` is None). `all`: every owner of this
    agent (`owner` is None, too). What is in one scope is never read in another."""

    agent: str
    owner: str | None = None
    session_id: str | None = None


class Source(Value):
    """Where a memory comes from: a place in a session's log. `log` names the session's incarnation, as its head does,
    so that what a deleted session left is told from what a later one of the same id says."""

    owner: str
    session_id: str
    log: str
    at: Position


class Memory(Value):
    """`text` is one fact, or one summary, in words that stand by themselves. Times are ms since 1970.

    It holds from `created_at` until `ended_at` (None: it still does); then `superseded_by` names the memory that
    contradicts it, and neither is erased. `sources` are all the places that said it; none: a person put it in.
    `digest` is that of its text (see digest_of): two of one scope and digest are one memory. `model` names the embedder
    of `vector`; vectors of two models are never compared. `expires_at`: when it may be forgotten by itself.
    """

    id: str
    scope: Scope
    kind: Kind = "fact"
    text: str = Field(min_length=1, max_length=4000)
    digest: str
    created_at: int
    sources: tuple[Source, ...] = ()
    ended_at: int | None = None
    superseded_by: str | None = None
    supersedes: tuple[str, ...] = ()
    expires_at: int | None = None
    model: str | None = None
    vector: tuple[float, ...] = ()


class Found(NamedTuple):
    """`score` is from 0 to 1."""

    memory: Memory
    score: float


class MemoryPage(NamedTuple):
    memories: list[Memory]
    next_cursor: str | None


class Summary(Value):
    """What a session's log said up to and including the entry at `upto` of `log`, everything before it included.
    Written once, never changed: a later summary has a later place. `tokens` is its own size."""

    log: str
    upto: Position
    text: str
    tokens: int
    made_at: int
    model: str


def digest_of(text: str) -> str:
    """The same for texts that differ only in case, in spaces, in how letters are composed, or in a final full stop."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".")
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()
