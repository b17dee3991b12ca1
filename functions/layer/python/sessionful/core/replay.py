"""Read a turn's tape back from its stored entries: the same events, at the same places, as were told live."""

from collections.abc import Iterator, Sequence
from typing import Any

from sessionful.core.feed import Tape
from sessionful.domain.event import (
    AnyEvent,
    MessageStart,
    StepCompleted,
    TextDelta,
    ThinkingDelta,
    Told,
    ToolCalled,
    ToolReturned,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnSuperseded,
    TurnWasCancelled,
)
from sessionful.domain.message import Message, Text, Thinking, ToolResult
from sessionful.domain.turn import Ending, Entry


def replay(session_id: str, entries: Sequence[Entry]) -> list[Told]:
    """The tape of one turn's stored entries, oldest first; without a terminal event as long as the turn runs.

    Where the attempt changes it tells `turn_superseded`, with the characters of the turn's text that still hold.
    """
    if not entries:
        return []
    first, kept = entries[0], 0
    told = [started(session_id, first.position.turn, first.turn_id, first.agent)]
    tape = Tape(first.position.turn, 1, told[0].cursor.position)
    for entry in entries:
        if entry.attempt > tape.attempt:
            tape.attempt = entry.attempt
            told.append(tape.place(TurnSuperseded(keep=kept)))
        told.extend(tape.place(event) for event in step_events(entry))
        kept += text_length(entry)
        if entry.ending is not None:
            told.append(tape.place(ending_event(entry.turn_id, entry.ending)))
    return told


def started(session_id: str, number: int, turn_id: str, agent: str) -> Told:
    """How every turn's tape begins."""
    return Tape(number, 1).place(TurnStarted(turn_id=turn_id, session_id=session_id, agent=agent))


def text_length(entry: Entry) -> int:
    return sum(len(part.text) for part in entry.reply.parts if isinstance(part, Text)) if entry.reply else 0


def step_events(entry: Entry) -> Iterator[AnyEvent]:
    if entry.reply is None:
        return
    yield MessageStart(step=entry.position.step)
    yield from spoken(entry.reply)
    yield from called(entry.reply)
    for result in entry.results.tool_results if entry.results else ():
        yield returned(result)
    if not entry.torn:
        yield StepCompleted(step=entry.position.step, stop_reason=entry.stop_reason, usage=entry.usage)


def spoken(reply: Message) -> Iterator[TextDelta | ThinkingDelta]:
    """Without the calls, which come last wherever they stand: live they are told when all is said."""
    for index, part in enumerate(reply.parts):
        if isinstance(part, Text) and part.text:
            yield TextDelta(text=part.text, index=index)
        elif isinstance(part, Thinking) and part.text:
            yield ThinkingDelta(text=part.text, index=index)


def called(reply: Message) -> Iterator[ToolCalled]:
    for index, part in enumerate(reply.parts):
        if part.type == "tool_call":
            yield ToolCalled(call_id=part.id, name=part.name, arguments=part.arguments, index=index)


def returned(result: ToolResult) -> ToolReturned:
    return ToolReturned(call_id=result.call_id, name=result.name, content=result.content, is_error=result.is_error)


def ending_event(turn_id: str, ending: Ending) -> TurnCompleted | TurnFailed | TurnWasCancelled:
    if ending.status == "completed":
        return TurnCompleted(turn_id=turn_id, usage=ending.usage, steps=ending.steps)
    if ending.status == "cancelled":
        return TurnWasCancelled(turn_id=turn_id)
    fallback: dict[str, Any] = {"code": "internal_error", "message": "the turn failed", "details": {}}
    return TurnFailed(turn_id=turn_id, error=ending.error or fallback)
