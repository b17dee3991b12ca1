"""The log of sessions: what a store of sessions does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sessionful.domain.session import (
    Position,
    QueuedTurn,
    Segment,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
)
from sessionful.domain.turn import (
    Admitted,
    Attached,
    Entry,
    Group,
    Lease,
    NewTurn,
    Queued,
    Taken,
    Watched,
    Window,
)

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

    async def head(self, key: SessionKey) -> Session:
        """As `get`, also of a session that is past its time. For those who look after its end."""
        ...

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

    async def delete(self, key: SessionKey, log: str | None = None) -> None:
        """Erase the session and all it owned, expired or not. A running turn's next write raises LeaseLost. Entries
        that living forks share are kept for them, out of everybody's sight, until the last of them is deleted. With
        `log` only the incarnation with this log of its own: of another, SessionNotFound is raised."""
        ...

    async def expired(self, agents: Sequence[str], at: int, limit: int) -> list[Session]:
        """At most `limit` sessions with these agents, whoever owns them, that had expired by the time `at` (so a turn
        that was running has no holder since then either), the longest first. None where the store lets them go by
        itself."""
        ...

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        """Store `child` sharing the source's past up to `at` (default: its last stored entry), copying no entry.
        The store fills in the child's `past`, `parent`, `message_count` and `usage`. Raises SessionExists, and
        InvalidRequest when the source has no entry at `at`."""
        ...

    async def rebase(
        self,
        key: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None = None,
        if_version: int | None = None,
    ) -> Session:
        """Make `past` the visible past and hide the own entries so far (`own_after` = `last.turn`); with `state`, make
        that the state. Turns may wait meanwhile. Raises SessionBusy while one runs, and VersionConflict."""
        ...


class TurnLog(Protocol):
    """A session's turns and entries. A write with another epoch than the head's raises LeaseLost, changing nothing."""

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        """Admit a turn: one conditional write that stores the user's message, the key and the lease; and read the past.

        Slides `updated_at`. Raises SessionBusy while another turn holds the session or waits for it (in the details:
        `lease_expired=True` when the holder's lease has run out, `turn_id` null when no turn runs although some wait);
        with `turn.wait` the turn is then Queued instead, which slides nothing. Raises SessionEnded, SessionExpired,
        SessionNotFound, and IdempotencyConflict when the key was used with another `request_hash`. A key used with the
        same hash answers Attached, whatever state that turn is in."""
        ...

    async def begin_next(self, key: SessionKey, lease_ms: int, window: Window) -> Admitted | None:
        """Admit the turn that waits longest, under the number and id it has. None when none waits or another runs.
        Slides `updated_at`. One that was withdrawn is admitted too, with `cancel_asked`, to be settled as cancelled.
        An ended session still admits what waits."""
        ...

    async def queued(self, key: SessionKey) -> list[QueuedTurn]:
        """The turns that wait, the next one first."""
        ...

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        """Store a step of the running turn, drop what was flushed of it, and prolong the lease, in one write."""
        ...

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        """Store the turn's last entry (it carries `ending`) and free the session, in one write. Returns the head. Adds
        to the entry what it has to say of the state (see Entry)."""
        ...

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        """Store messages that no turn made, as an ended turn of its own: the store sets its position to
        (turns + 1, 1), and its turn's id to match. Raises SessionBusy, also while turns wait."""
        ...

    async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
        """Store what the turn told since the last flush, and prolong the lease, in one write; without a group, just
        prolong it. The first group of a lease replaces what former holders had flushed. A group that came before (its
        number says so) changes nothing. True when somebody asked to cancel the turn."""
        ...

    async def peek(self, lease: Lease) -> bool:
        """True when somebody asked to cancel the turn. Only reads, and may be a moment behind. Raises LeaseLost."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the turn out of hand at a step's border: the lease ends, and whoever takes over goes on with the same
        attempt."""
        ...

    async def take_over(self, key: SessionKey, lease_until: int) -> Taken | None:
        """Take the right to a turn whose lease has run out: next epoch, and next attempt unless it was released. None
        when nothing is to take. Works in expired sessions too."""
        ...

    async def watch(self, key: SessionKey) -> Watched:
        """For whoever follows a turn from outside: the head as it is, with the groups that are flushed of the open
        step, in one consistent look. After a take-over they are the former holder's until the new one flushes.
        Raises SessionNotFound and SessionExpired."""
        ...

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        """Leave word for the holder of that turn, or with that turn where it waits. Nothing happens to any other."""
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
