"""Tapes to tell: a turn's events at their places, and the reading of them from any cursor."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from sessionful.core.feed import Tape, after
from sessionful.domain.event import (
    AnyEvent,
    Cursor,
    MessageStart,
    StepCompleted,
    TextDelta,
    Told,
    ToolCalled,
    ToolReturned,
    TurnCompleted,
    TurnStarted,
)
from sessionful.domain.usage import Usage
from sessionful.surfaces.sse import Dialect, look_back

STARTED = TurnStarted(turn_id="turn_1_a", session_id="sess_abc123", agent="coder")
COMPLETED = TurnCompleted(turn_id="turn_1_a", usage=Usage(input_tokens=120, output_tokens=240), steps=1)


def texts(*pieces: str, index: int = 0) -> list[TextDelta]:
    return [TextDelta(text=piece, index=index) for piece in pieces]


def step(number: int, *events: AnyEvent, stop_reason: str = "end_turn") -> list[AnyEvent]:
    usage = Usage(input_tokens=523, output_tokens=42)
    return [MessageStart(step=number), *events, StepCompleted(step=number, stop_reason=stop_reason, usage=usage)]


def call(name: str, *values: object, result: str, index: int = 1) -> list[AnyEvent]:
    arguments = {f"argument{number}": value for number, value in enumerate(values)}
    return [
        ToolCalled(call_id="c1", name=name, arguments=arguments, index=index),
        ToolReturned(call_id="c1", name=name, content=result),
    ]


def told(events: Iterable[AnyEvent], turn: int = 1, attempt: int = 1) -> list[Told]:
    tape = Tape(turn, attempt)
    return [tape.place(event) for event in events]


CODING = told(
    [
        STARTED,
        *step(
            1,
            *texts("Let me create", " that file..."),
            *call("write_file", "hello.py", "print('Hello')", result="File created successfully."),
            stop_reason="tool_use",
        ),
        *step(
            2,
            *texts("Now let me test it..."),
            *call("execute_command", "python hello.py", result="Hello"),
            stop_reason="tool_use",
        ),
        *step(3, *texts("The program", " works", " correctly!")),
        COMPLETED,
    ]
)


def following(tape: Sequence[Told]) -> Callable[[Cursor | None], AsyncIterator[Told]]:
    """Reads the tape as the service does: everything behind the cursor, a delta that it cuts included."""

    async def follow(cursor: Cursor | None) -> AsyncIterator[Told]:
        for each in tape:
            if (rest := after(each, cursor)) is not None:
                yield rest

    return follow


async def stream(dialect: Dialect, tape: Sequence[Told], cursor: str | None = None) -> list[bytes]:
    """What a reader that comes with this cursor is sent, write by write."""
    last, later = await look_back(following(tape), Cursor.parse(cursor) if cursor else None, one_turn=True)
    return [frames async for frames in dialect.frames(later, last)]
