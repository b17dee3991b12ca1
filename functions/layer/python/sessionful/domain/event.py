"""Events: the facts a turn tells, and the cursor that says where a reader is.

A turn's events lie on a *tape*. A delta takes as many places on it as it has characters, every other event one (but
`memory_recalled`, which is told live only, takes none).
The tape of a finished step is the same whether it was heard live or read back from the log, however the text was cut,
so a cursor stays good after the deltas themselves are gone, after a restart and on any server.
"""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, TypeAdapter

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Value
from sessionful.domain.usage import Usage


class Cursor(NamedTuple):
    """`turn.attempt.position`, totally ordered; written as the SSE `id:`."""

    turn: int
    attempt: int
    position: int

    def __str__(self) -> str:
        return f"{self.turn}.{self.attempt}.{self.position}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidRequest when the text is not three whole numbers with dots between them."""
        fields = text.strip().split(".")
        if len(fields) != 3 or not all(f.isascii() and f.isdigit() and len(f) <= 12 for f in fields):
            hint = "a cursor is three whole numbers with dots, like 3.1.117"
            raise InvalidRequest(hint, field="after", given=text[:80])
        return cls(*(int(field) for field in fields))


class Event(Value):
    type: str

    @property
    def length(self) -> int:
        """Places this event takes on the tape."""
        return 1


class TurnStarted(Event):
    type: Literal["turn_started"] = "turn_started"
    turn_id: str
    session_id: str
    agent: str


class RecalledMemory(Value):
    """`score` is from 0 to 1."""

    id: str
    score: float


class MemoryRecalled(Event):
    """What the prompt has of what is remembered, best first. Told live only: the log does not keep it, so it takes no
    place on the tape."""

    type: Literal["memory_recalled"] = "memory_recalled"
    memories: tuple[RecalledMemory, ...]

    @property
    def length(self) -> int:
        return 0


class MessageStart(Event):
    type: Literal["message_start"] = "message_start"
    step: int


class TextDelta(Event):
    """`index` counts the parts of the step's message."""

    type: Literal["text_delta"] = "text_delta"
    text: str
    index: int = 0

    @property
    def length(self) -> int:
        return len(self.text)


class ThinkingDelta(Event):
    type: Literal["thinking_delta"] = "thinking_delta"
    text: str
    index: int = 0

    @property
    def length(self) -> int:
        return len(self.text)


class ToolCalled(Event):
    type: Literal["tool_call"] = "tool_call"
    call_id: str
    name: str
    arguments: dict[str, Any]
    index: int = 0


class ToolReturned(Event):
    type: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    content: str
    is_error: bool = False


class StepCompleted(Event):
    """Told after the step is stored."""

    type: Literal["step_completed"] = "step_completed"
    step: int
    stop_reason: str
    usage: Usage


class TurnSuperseded(Event):
    """A new attempt took over: of the turn's text so far, only the first `keep` characters still hold."""

    type: Literal["turn_superseded"] = "turn_superseded"
    keep: int


class TurnCompleted(Event):
    type: Literal["turn_completed"] = "turn_completed"
    turn_id: str
    usage: Usage
    steps: int


class TurnFailed(Event):
    type: Literal["turn_failed"] = "turn_failed"
    turn_id: str
    error: dict[str, Any]


class TurnWasCancelled(Event):
    type: Literal["turn_cancelled"] = "turn_cancelled"
    turn_id: str


AnyEvent = Annotated[
    TurnStarted
    | MemoryRecalled
    | MessageStart
    | TextDelta
    | ThinkingDelta
    | ToolCalled
    | ToolReturned
    | StepCompleted
    | TurnSuperseded
    | TurnCompleted
    | TurnFailed
    | TurnWasCancelled,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent, config=ConfigDict(defer_build=True))
"""Reads an event from its one native JSON form; `event.model_dump_json()` writes it."""

TERMINAL = (TurnCompleted, TurnFailed, TurnWasCancelled)


class Told(NamedTuple):
    """An event with the cursor of the place just behind it: a reader that has it sends that cursor to go on."""

    cursor: Cursor
    event: AnyEvent
