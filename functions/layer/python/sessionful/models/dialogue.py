"""A history as vendors take it: roles in order, every tool call answered right behind it, nothing blank.

Pure functions of messages. The log is valid by law; these rules also hold for what callers put in by hand, and for the
stricter vendors: a history must never lock its session out.
"""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import count

from sessionful.domain.message import Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from sessionful.domain.pairing import answers, unanswered
from sessionful.ports import ModelRequest

_NO_OUTPUT = "(no output)"
_OPENING = "(The conversation begins with the assistant.)"
_GO_ON = "Continue."


def system_prompt(request: ModelRequest) -> str | None:
    """All of the system's words; None for no words."""
    return "\n\n".join(system_parts(request)) or None


def system_parts(request: ModelRequest) -> list[str]:
    """The system prompt, and behind it the system messages that stand in the history: they keep their authority, which
    no user can forge, and every vendor takes them; what they lose is their place. At most two parts: what is always
    said, and what changes with the history."""
    inside = (message.text for message in request.messages if message.role == "system")
    changing = "\n\n".join(text for text in inside if text.strip())
    return [text for text in (request.system or "", changing) if text.strip()]


def settled(messages: Iterable[Message]) -> list[Message]:
    """User, assistant and tool messages, at least one. Each assistant message with calls is followed by one tool
    message that holds a result for each call, in the order of the calls; no other results are left. Neighbours of one
    role are merged. Calls have ids and names that every vendor takes."""
    out: list[Message] = []
    found = answers(messages := tuple(messages))
    for place, message in enumerate(messages):
        if message.role == "system":
            continue
        role: Role = "assistant" if message.role == "assistant" else "user"
        _add(out, role, _kept(message.parts, role))
        if role == "assistant" and message.tool_calls:
            results = (found.get((place, index)) for index in range(len(message.tool_calls)))
            out.append(_answered(message.tool_calls, results))
    return _plain_calls(out) or [Message(role="user", parts=(Text(text=_GO_ON),))]


def alternating(messages: Iterable[Message], tools: bool = True) -> list[Message]:
    """For vendors that know only user and assistant (Anthropic, Bedrock), taking turns: it starts and ends with the
    user, and results come first in the user message behind their calls.

    Thinking is kept only behind the last message of the user, that is in the tool loop that goes on: there vendors want
    it back, earlier they ignore it or check it against a prefix that may have changed. Without `tools` in the request,
    Bedrock refuses a history with calls: they are then told in words.
    """
    kept = settled(messages)
    if not tools:
        kept = [in_words(message) for message in kept]
    loop = max((place for place, message in enumerate(kept) if message.role == "user"), default=-1)
    out: list[Message] = []
    if kept[0].role != "user":
        _add(out, "user", (Text(text=_OPENING),))
    for place, message in enumerate(kept):
        parts = message.parts
        if place < loop or not tools:
            parts = tuple(part for part in parts if not isinstance(part, Thinking))
        _add(out, "assistant" if message.role == "assistant" else "user", parts)
    if out[-1].role == "assistant":
        out.append(Message(role="user", parts=(Text(text=_GO_ON),)))
    return out


def _answered(calls: Sequence[ToolCall], results: Iterable[ToolResult | None]) -> Message:
    parts: list[Part] = []
    for call, result in zip(calls, results, strict=True):
        if result is None:
            result = unanswered(call)
        elif not result.content.strip():
            result = result.model_copy(update={"content": _NO_OUTPUT})
        parts.append(result)
    return Message(role="tool", parts=tuple(parts))


def _kept(parts: Iterable[Part], role: Role) -> tuple[Part, ...]:
    """What a message of this role may hold. Vendors refuse blank texts, and thinking that leads to nothing."""
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, Text):
            wanted = bool(part.text.strip())
        elif isinstance(part, ToolCall | Thinking):
            wanted = role == "assistant"
        else:
            wanted = role == "user" and not isinstance(part, ToolResult)
        if wanted:
            kept.append(part)
    while kept and isinstance(kept[-1], Thinking):
        kept.pop()
    return tuple(kept)


def _add(out: list[Message], role: Role, parts: tuple[Part, ...]) -> None:
    if not parts:
        return
    if out and out[-1].role == role:
        parts = out.pop().parts + parts
    out.append(Message.model_construct(role=role, parts=parts))


def in_words(message: Message) -> Message:
    """The message with its calls and results as text, for a model that takes no tools."""
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolCall):
            part = Text(text=f"[called {part.name} with {json.dumps(part.arguments, ensure_ascii=False)}]")
        elif isinstance(part, ToolResult):
            part = Text(text=f"[{part.name or 'the tool'} answered: {part.content}]")
        parts.append(part)
    return Message(role="user" if message.role == "tool" else message.role, parts=tuple(parts))


def _plain_calls(messages: list[Message]) -> list[Message]:
    """Ids of at most 40 plain characters, none twice, and names of at most 64: models make up names that nobody has,
    and a vendor that refuses one would refuse every later prompt. Results stand as their calls."""
    used: set[str] = set()
    called: list[ToolCall] = []
    out: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        answered, called = iter(called), []
        for part in message.parts:
            if isinstance(part, ToolCall):
                part = part.model_copy(
                    update={"id": _unused(part.id, used), "name": _plain(part.name, 64) or "unnamed"}
                )
                called.append(part)
            elif isinstance(part, ToolResult):
                call = next(answered)
                part = part.model_copy(update={"call_id": call.id, "name": call.name})
            parts.append(part)
        out.append(Message.model_construct(role=message.role, parts=tuple(parts)))
    return out


def _unused(call_id: str, used: set[str]) -> str:
    plain = _plain(call_id, 40) or "call"
    if plain in used:
        plain = next(new for n in count(2) if (new := f"{plain[:34]}-{n}") not in used)
    used.add(plain)
    return plain


def _plain(name: str, most: int) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:most]
