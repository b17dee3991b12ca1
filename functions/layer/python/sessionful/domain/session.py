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


class RunningTurn(Value):
    """The turn that holds the session, as the head records it at admission."""

    number: int
    turn_id: str
    attempt: int
    agent: str
    message: Message
    started_at: int
    lease_until: int
    idempotency_key: str | None = None
    request_hash: str | None = None
    cancel_asked: bool = False


class Session(Value):
    """The head of a session. Times are ms since 1970, UTC; `timeout` and `max_duration` are seconds.

    `log` names this incarnation's own log: whoever makes a session gives it a fresh one, a store may put its own in its
    place, and a deleted id that is used again gets another. The visible past is `past`,
    oldest segment first, then the own entries with turn > `own_after`: that is what makes fork, rewind and clear O(1).
    `turns` is the number of the last admitted turn, `last` the place of the last stored entry of the own log.
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
        return "busy" if self.running is not None else "idle"


class SessionChange(Value):
    """What PUT/PATCH may change; only the fields that were set (`model_fields_set`) are applied."""

    title: str | None = None
    system: str | None = None
    work_dir: str | None = None
    metadata: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    timeout: float | None = None
    ended_at: int | None = None


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
