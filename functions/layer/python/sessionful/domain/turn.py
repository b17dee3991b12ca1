"""The turn and what the log keeps of it."""

from typing import Any, Literal, NamedTuple

from pydantic import Field

from sessionful.domain.message import Message, ToolCall, ToolResult, Value
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.usage import Usage

TurnStatus = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]


class Ending(Value):
    """How a turn ended. `error` is `{code, message, details}`; `usage` sums its steps; `output` is a typed answer."""

    status: Literal["completed", "failed", "cancelled", "interrupted"]
    ended_at: int
    steps: int
    usage: Usage = Usage()
    error: dict[str, Any] | None = None
    output: Any = None


class Entry(Value):
    """One item of the log: a step, or what was put in by hand. Never rewritten.

    `given` is what came in with it (the user's message, on a turn's first entry), `reply` the model's message,
    `results` one tool message that answers every call of `reply`. `torn` marks a reply that broke off: it is history,
    and never has tool calls. The last entry of a turn carries its `ending`; a turn that ended before any step has just
    one entry, without `reply`. `message_count` and `usage_total` are the session's, up to and including this entry.
    The store adds the state to a turn's last entry when it has changed since the last one that held it (`state`), else
    where that one is (`state_at`).
    """

    position: Position
    turn_id: str
    attempt: int = 1
    agent: str
    at: int
    started_at: int
    given: tuple[Message, ...] = ()
    reply: Message | None = None
    results: Message | None = None
    torn: bool = False
    stop_reason: str = "end_turn"
    usage: Usage = Usage()
    ending: Ending | None = None
    idempotency_key: str | None = None
    message_count: int = 0
    usage_total: Usage = Usage()
    state: dict[str, Any] | None = None
    state_at: Position | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.given + tuple(m for m in (self.reply, self.results) if m is not None)


class NewTurn(Value):
    """What a caller asks to be admitted. Admission gives the number, and the id: `new_turn_id(number, nonce)`.

    With `wait` it is queued where the session is taken; with `undo` as well, the turn before it is to be undone."""

    nonce: str
    agent: str
    message: Message
    lease_ms: int
    idempotency_key: str | None = None
    request_hash: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    answer_schema: dict[str, Any] | None = None
    wait: bool = False
    undo: bool = False


class Window(NamedTuple):
    """How much of the newest past to read at admission: newest first, until one of the two is reached."""

    entries: int
    bytes: int


class Lease(NamedTuple):
    """The right to write one turn. Every write carries the epoch; a take-over makes a higher one."""

    key: SessionKey
    log: str
    epoch: int
    turn: int
    attempt: int


class Admitted(NamedTuple):
    """A fresh turn: the lease to run it, the head after admission, and the newest past, oldest first."""

    lease: Lease
    session: Session
    past: list[Entry]


class Attached(NamedTuple):
    """The idempotency key names a turn that was admitted before."""

    session: Session
    turn_id: str


class Queued(NamedTuple):
    """The turn waits behind others; it keeps this number and id."""

    session: Session
    turn_id: str


class Group(NamedTuple):
    """What a turn told between two flushes, as one line of text. `number` counts the groups of one lease, from 1."""

    number: int
    text: str


class Taken(NamedTuple):
    """A turn that was taken over: the new lease, the head, and what the former holder had flushed of its open step."""

    lease: Lease
    session: Session
    flushed: list[str]


class Watched(NamedTuple):
    """The head, and what the running turn has flushed since its last stored step, oldest first."""

    session: Session
    flushed: list[str]


class TurnRecord(Value):
    """A turn as a caller sees it, running or ended. `response` is the text of the last step's reply."""

    session_id: str
    turn_id: str
    agent: str
    status: TurnStatus
    message: Message
    response: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    usage: Usage = Usage()
    steps: int = 0
    error: dict[str, Any] | None = None
    output: Any = None
    started_at: int
    ended_at: int | None = None
    idempotency_key: str | None = None
