"""The window: which part of the past goes into the prompt. A tool call is never parted from its result."""

from collections.abc import Sequence

from sessionful.core.past import failed_before_told
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.domain.pairing import paired
from sessionful.domain.turn import Entry, Window

_JSON_BYTES_PER_TOKEN = 8  # four characters of text, and as much again for what JSON and the entry's fields add
_EVERYTHING = 1 << 40


def reach(memory: WorkingMemory) -> Window:
    """How much of the log to read for this strategy: bounded, whatever the session's length (except `full`)."""
    if memory.strategy == "full":
        return Window(entries=_EVERYTHING, bytes=_EVERYTHING)
    if memory.strategy == "buffer_window":
        return Window(entries=memory.window_size, bytes=_EVERYTHING)
    return Window(entries=1000, bytes=memory.budget * _JSON_BYTES_PER_TOKEN)


def window(past: Sequence[Entry], memory: WorkingMemory) -> list[Message]:
    """The newest whole entries that fit the strategy, oldest first, starting with a user's message. A turn's entry has
    a result for each of its calls; what was put in by hand, a message at a time, is mended here."""
    chosen: list[tuple[Message, ...]] = []
    messages = tokens = 0
    for entry in reversed(past):
        spoken = told_to_model(entry)
        messages += len(spoken)
        tokens += sum(estimated_tokens(message) for message in spoken)
        over = {
            "full": False,
            "buffer_window": messages > memory.window_size,
            "summary_buffer": tokens > memory.budget * memory.threshold,
        }[memory.strategy]
        if over:
            break
        chosen.append(spoken)
    flat = paired([message for spoken in reversed(chosen) for message in spoken])
    start = next((i for i, message in enumerate(flat) if message.role in ("user", "system")), len(flat))
    return flat[start:]


def told_to_model(entry: Entry) -> tuple[Message, ...]:
    """An entry as the prompt has it. A turn that failed before its step was whole is left out, its question included;
    one that was cancelled stays, with the text so far. Thinking is not shown again once its turn is over."""
    if failed_before_told(entry):
        return ()
    return tuple(cleaned for message in entry.messages if (cleaned := _without_thinking(message)).parts)


def estimated_tokens(message: Message) -> int:
    """Four characters a token, tool calls and results included; an image counts as 1,000. An estimate, no tokenizer."""
    return 4 + sum(_estimated_part(part) for part in message.parts)


def _estimated_part(part: Part) -> int:
    if isinstance(part, Text | Thinking):
        return len(part.text) // 4 + 1
    if isinstance(part, ToolCall):
        return (len(part.name) + len(str(part.arguments))) // 4 + 1
    if isinstance(part, ToolResult):
        return len(part.content) // 4 + 1
    return 1000


def _without_thinking(message: Message) -> Message:
    if not any(isinstance(part, Thinking) for part in message.parts):
        return message
    return Message(role=message.role, parts=tuple(p for p in message.parts if not isinstance(p, Thinking)))
