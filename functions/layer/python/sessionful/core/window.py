"""The window: which part of the past goes into the prompt. A tool call is never parted from its result."""

from collections.abc import Callable, Sequence

from sessionful.core.memory.tokens import estimated_tokens
from sessionful.core.past import failed_before_told
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.message import Message, Part, Text, Thinking, ToolResult
from sessionful.domain.pairing import paired
from sessionful.domain.turn import Entry, Window

Count = Callable[[Message], int]

_JSON_BYTES_PER_TOKEN = 8  # four characters of text, and as much again for what JSON and the entry's fields add
_EVERYTHING = 1 << 40


def reach(memory: WorkingMemory) -> Window:
    """How much of the log to read for this strategy: bounded, whatever the session's length (except `full`)."""
    if memory.strategy == "full":
        return Window(entries=_EVERYTHING, bytes=_EVERYTHING)
    if memory.strategy == "buffer_window":
        return Window(entries=memory.window_size, bytes=_EVERYTHING)
    return Window(entries=1000, bytes=memory.budget * _JSON_BYTES_PER_TOKEN)


def window(
    past: Sequence[Entry], memory: WorkingMemory, count: Count = estimated_tokens, room: float | None = None
) -> list[Message]:
    """The newest whole entries that fit the strategy, oldest first, starting with a user's message. A turn's entry has
    a result for each of its calls; what was put in by hand, a message at a time, is mended here. A last turn that is
    too long by itself is there with its question and its answer.

    `room` is for summary_buffer, in tokens: by default its threshold."""
    room = memory.budget * memory.threshold if room is None else room
    chosen: list[tuple[Message, ...]] = []
    messages = tokens = 0
    for entry in reversed(past):
        spoken = told_to_model(entry, memory)
        messages += len(spoken)
        tokens += sum(map(count, spoken)) if memory.strategy == "summary_buffer" else 0
        if _over(memory, messages, tokens, room):
            break
        chosen.append(spoken)
    flat = paired([message for spoken in reversed(chosen) for message in spoken])
    start = next((i for i, message in enumerate(flat) if message.role in ("user", "system")), len(flat))
    return flat[start:] or _gist(past, memory, count, room)


def told_to_model(entry: Entry, memory: WorkingMemory) -> tuple[Message, ...]:
    """An entry as the prompts of later turns have it. A turn that failed before its step was whole is left out, its
    question included; one that was cancelled stays, with the text so far. Thinking is not shown again once its turn is
    over. With summary_buffer one text is at most a quarter of the budget, at four characters a token."""
    if failed_before_told(entry):
        return ()
    longest = memory.budget if memory.strategy == "summary_buffer" else None
    return tuple(shown for message in entry.messages if (shown := _shown(message, longest)).parts)


def tokens_of(entries: Sequence[Entry], memory: WorkingMemory, count: Count) -> int:
    return sum(count(message) for entry in entries for message in told_to_model(entry, memory))


def _over(memory: WorkingMemory, messages: int, tokens: int, room: float) -> bool:
    if memory.strategy == "full":
        return False
    return messages > memory.window_size if memory.strategy == "buffer_window" else tokens > room


def _gist(past: Sequence[Entry], memory: WorkingMemory, count: Count, room: float) -> list[Message]:
    """Of the last turn: what was asked, and the answer. Nothing if its beginning is not there or even that is too
    much."""
    if not past:
        return []
    first = next(entry for entry in past if entry.position.turn == past[-1].position.turn)
    asked = [message for message in paired(told_to_model(first, memory)) if message.role == "user"]
    answer = [m for m in paired(told_to_model(past[-1], memory)) if m.role == "assistant" and not m.tool_calls]
    both = [*asked[:1], *answer[-1:]]
    fits = not _over(memory, len(both), sum(map(count, both)), room)
    return both if asked and answer and fits else []


def _shown(message: Message, longest: int | None) -> Message:
    parts = tuple(_short(part, longest) for part in message.parts if not isinstance(part, Thinking))
    return message if parts == message.parts else Message(role=message.role, parts=parts)


def _short(part: Part, longest: int | None) -> Part:
    if longest is None:
        return part
    if isinstance(part, Text) and len(part.text) > longest:
        return part.model_copy(update={"text": shortened(part.text, longest)})
    if isinstance(part, ToolResult) and len(part.content) > longest:
        return part.model_copy(update={"content": shortened(part.content, longest)})
    return part


def shortened(text: str, longest: int) -> str:
    """Its beginning and its end, `longest` characters together, and how much is missing between them."""
    half = longest // 2
    return f"{text[: longest - half]}\n[... {len(text) - longest} characters left out ...]\n{text[len(text) - half :]}"
