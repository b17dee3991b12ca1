"""The ports: what the core needs from the world, as small protocols."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from sessionful.domain.message import Message
from sessionful.domain.session import Position, Segment, Session, SessionChange, SessionKey, SessionPage
from sessionful.domain.turn import Admitted, Attached, Entry, Lease, NewTurn, Window
from sessionful.domain.usage import Usage

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC. Every store takes one, so that tests move the time."""


class SessionHeads(Protocol):
    """Sessions as such. Every method raises SessionNotFound for a key that has none, also for another owner's, and
    SessionExpired for one that is past its time but not yet erased, unless it says otherwise."""

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        """Store a new session, with a past to start from. Raises SessionExists; an expired holder of the key is erased
        and replaced. All or nothing."""
        ...

    async def get(self, key: SessionKey) -> Session: ...

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        """The owner's sessions of that id among these agents (live ones only), in the agents' order."""
        ...

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        """The owner's live sessions with these agents, newest activity first. Reads heads only, never entries.
        A cursor that this store did not write raises InvalidRequest."""
        ...

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        """Apply the set fields and raise `version` by one. Raises VersionConflict.
        Leaves `updated_at` alone: only messages slide it."""
        ...

    async def delete(self, key: SessionKey) -> None:
        """Erase the session and all it owned, expired or not. A running turn's next write raises LeaseLost. Entries
        that living forks share are kept for them, out of everybody's sight, until the last of them is deleted."""
        ...

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        """Store `child` sharing the source's past up to `at` (default: its last stored entry), copying no entry.
        The store fills in the child's `past`, `parent`, `message_count` and `usage`. Raises SessionExists, and
        InvalidRequest when the source has no entry at `at`."""
        ...

    async def rebase(self, key: SessionKey, past: Sequence[Segment], message_count: int) -> Session:
        """Make `past` the visible past and hide the own entries so far (`own_after` = `turns`). Raises SessionBusy."""
        ...


class TurnLog(Protocol):
    """A session's turns and entries. A write with another epoch than the head's raises LeaseLost, changing nothing."""

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached:
        """Admit a turn: one conditional write that stores the user's message, the key and the lease; and read the past.

        Slides `updated_at`. Raises SessionBusy while another turn holds the session (`lease_expired=True` in its
        details when the holder's lease has run out), SessionEnded, SessionExpired, SessionNotFound, and
        IdempotencyConflict when the key was used with another `request_hash`. A key used with the same hash answers
        Attached, whatever state that turn is in."""
        ...

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        """Store a step of the running turn and prolong the lease, in one write."""
        ...

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        """Store the turn's last entry (it carries `ending`) and free the session, in one write. Returns the head."""
        ...

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        """Store messages that no turn made, as an ended turn of its own: the store sets its position to
        (turns + 1, 1), and its turn's id to match. Raises SessionBusy."""
        ...

    async def renew(self, lease: Lease, lease_until: int) -> bool:
        """Prolong the lease. True when somebody asked to cancel the turn."""
        ...

    async def take_over(self, key: SessionKey, lease_until: int) -> tuple[Lease, Session] | None:
        """Take the right to a turn whose lease has run out: next epoch, next attempt. None when nothing is to take."""
        ...

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        """Leave word for the holder of that turn. Nothing happens when it is not the running one."""
        ...

    async def read(
        self,
        session: Session,
        limit: int,
        after: Position | None = None,
        before: Position | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        """At most `limit` entries of the visible past, shared segments included, strictly between the two positions.
        Positions of shared entries are those of the log they were written in; turn numbers never clash, because a
        fork's own turns go on counting from the place it was forked at."""
        ...

    async def turn(self, session: Session, number: int) -> list[Entry]:
        """The stored entries of one turn of the visible past, oldest first; empty when it has none (yet)."""
        ...

    async def turn_for(self, key: SessionKey, idempotency_key: str) -> str | None:
        """The id of the turn that was admitted with this key."""
        ...


class SessionLog(SessionHeads, TurnLog, Protocol):
    """A store of sessions is right when it passes tests/contracts."""

    async def close(self) -> None: ...


class ToolSpec(NamedTuple):
    """What a model is told of a tool; `schema` is the JSON schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


class ModelRequest(NamedTuple):
    """Messages of role system that somebody put into the history count as more of `system`. `schema` asks for an answer
    that fits this JSON schema where the vendor can enforce one. `options` are temperature, max_tokens, top_p, stop and
    seed; an adapter refuses what its vendor lacks."""

    messages: Sequence[Message]
    system: str | None = None
    tools: Sequence[ToolSpec] = ()
    schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = {}


class TextPiece(NamedTuple):
    text: str


class ThinkingPiece(NamedTuple):
    """`signature` and `redacted` come once, at the end of a block of thinking."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class CallPiece(NamedTuple):
    """A piece of a tool call: `slot` tells calls apart; id and name come with the first piece; `json` is a fragment."""

    slot: int
    id: str = ""
    name: str = ""
    json: str = ""


class Finish(NamedTuple):
    """Exactly one, the last piece."""

    stop_reason: Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "content_filter"]
    usage: Usage


Piece = TextPiece | ThinkingPiece | CallPiece | Finish


class Model(Protocol):
    """A language model. `name` is what users are told answers them."""

    @property
    def name(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        """One reply, piece by piece. Raises ModelError, ModelUnavailable, RateLimited or InvalidRequest; retries are
        made before the first piece only. Closing the iterator stops the model."""
        ...


class ToolContext(NamedTuple):
    """What a tool may know of the call it serves. `work_dir` is the only folder it may touch; `deadline` is
    in seconds of `time.monotonic()`."""

    session_id: str
    turn_id: str
    call_id: str
    agent: str
    owner: str
    work_dir: str | None
    deadline: float


class Tool(Protocol):
    """Something a model can call. Its answer is text; it raises ToolError to tell the model what went wrong."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str: ...
