"""The session: its key, its head, and where in the log its past lies."""

from typing import Any, Literal, NamedTuple

from pydantic import Field

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message, Value
from sessionful.domain.usage import Usage

SHARED_AGENT = "*"
"""In place of the agent in the key of a session that was created without one: any agent may answer in it."""


class SessionKey(NamedTuple):
    """Owner and agent are in every key: nothing reads by session id alone."""

    owner: str
    agent: str
    id: str


class Position(NamedTuple):
    """A place in a session's log: step `step` (from 1) of turn `turn` (from 1). Ordered."""

    turn: int
    step: int


class Segment(Value):
    """A stretch of some log that a session shares: the entries with turn > `after_turn` and position <= `upto`."""

    log: str
    after_turn: int = 0
    upto: Position


class Parent(Value):
    session_id: str
    at: Position


class AdmittedTurn(Value):
    """What a turn was asked with, kept so that any process can carry it. `options` are the model's; `answer_schema` is
    the JSON schema of a typed answer. `cancel_asked`: somebody wants it stopped."""

    number: int
    turn_id: str
    agent: str
    message: Message
    idempotency_key: str | None = None
    request_hash: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    answer_schema: dict[str, Any] | None = None
    cancel_asked: bool = False


class QueuedTurn(AdmittedTurn):
    """A turn that waits for its session. `undo` is the turn before it, whose messages go when this one begins."""

    queued_at: int
    undo: int | None = None


class RunningTurn(AdmittedTurn):
    """The turn that holds the session. `released`: its holder gave it out of hand at a step's border, so whoever takes
    it over goes on with the same attempt."""

    attempt: int
    started_at: int
    lease_until: int
    released: bool = False


class Checkpoint(Value):
    """A named point of a session: what it saw and what its state was. `at` is the last visible entry's place then.
    `made_with` is as a session's."""

    name: str
    made_at: int
    at: Position
    past: tuple[Segment, ...] = ()
    message_count: int = 0
    state: dict[str, Any] = Field(default_factory=dict)
    made_with: str | None = None


class Session(Value):
    """The head of a session. Times are ms since 1970, UTC; `timeout` and `max_duration` are seconds.

    `log` names this incarnation's own log: whoever makes a session gives it a fresh one, a store may put its own in its
    place, and a deleted id that is used again gets another. The visible past is `past`,
    oldest segment first, then the own entries with turn > `own_after`: that is what makes fork, rewind and clear O(1).
    `turns` is the number of the last admitted turn, waiting ones (`queued` of them) included; `last` the place of the
    last stored entry of the own log. `state_at` is the place of the entry that holds the state as it was last stored;
    `state_moved` tells that it has changed since. `made_with` is the digest of the request that made the session, where
    that request had an idempotency key.
    """

    key: SessionKey
    log: str
    created_at: int
    updated_at: int
    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    state: dict[str, Any] = Field(default_factory=dict)
    sharing: bool = False
    timeout: float | None = None
    max_duration: float | None = None
    ended_at: int | None = None
    version: int = 1
    epoch: int = 0
    turns: int = 0
    last: Position = Position(0, 0)
    message_count: int = 0
    usage: Usage = Usage()
    parent: Parent | None = None
    past: tuple[Segment, ...] = ()
    own_after: int = 0
    running: RunningTurn | None = None
    queued: int = 0
    state_at: Position | None = None
    state_moved: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()
    made_with: str | None = None

    @property
    def expires_at(self) -> int | None:
        """When it expires (ms), or None for never: the earlier of idle timeout and maximum duration."""
        idle = None if self.timeout is None else self.updated_at + int(self.timeout * 1000)
        longest = None if self.max_duration is None else self.created_at + int(self.max_duration * 1000)
        return min((limit for limit in (idle, longest) if limit is not None), default=None)

    def expired(self, now: int) -> bool:
        """A running turn never expires: the session waits for it (while its holder lives)."""
        if self.running is not None and self.running.lease_until > now:
            return False
        return self.expires_at is not None and self.expires_at <= now

    @property
    def status(self) -> Literal["idle", "busy", "ended"]:
        if self.ended_at is not None:
            return "ended"
        return "busy" if self.running is not None or self.queued else "idle"


class SessionChange(Value):
    """What PUT/PATCH may change; only the fields that were set (`model_fields_set`) are applied."""

    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    timeout: float | None = None
    ended_at: int | None = None
    checkpoints: tuple[Checkpoint, ...] | None = None


class SessionPage(NamedTuple):
    sessions: list[Session]
    next_cursor: str | None


def check_session_id(session_id: str) -> str:
    """1 to 256 printable characters without a slash; raises InvalidRequest."""
    if not 1 <= len(session_id) <= 256 or not session_id.isprintable() or "/" in session_id:
        raise InvalidRequest(
            "a session id is 1 to 256 printable characters without '/'", field="session_id", given=session_id[:80]
        )
    return session_id


class NewSession(Value):
    """What a caller may say of a session to be made; everything is optional. `messages` is a past to start from."""

    session_id: str | None = None
    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    state: dict[str, Any] = Field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    timeout: float | None = None
    max_duration: float | None = None
    sharing: bool = False
    made_with: str | None = None
