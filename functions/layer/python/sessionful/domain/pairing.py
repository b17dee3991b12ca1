"""Which result answers which call, and a history in which every call has one right behind it."""

from collections.abc import Sequence

from sessionful.domain.message import Message, Part, ToolCall, ToolResult

_UNANSWERED = "no result of this call was kept"


def answers(messages: Sequence[Message]) -> dict[tuple[int, int], ToolResult]:
    """By the call's message and its number there. Of the open calls with a result's id it answers the first of the
    latest message: ids repeat, because some servers count them from zero in every reply."""
    open_calls: dict[str, list[tuple[int, int]]] = {}
    found: dict[tuple[int, int], ToolResult] = {}
    for place, message in enumerate(messages):
        for result in message.tool_results:
            if waiting := open_calls.get(result.call_id):
                call = max(waiting, key=lambda at: (at[0], -at[1]))
                waiting.remove(call)
                found[call] = result
        if message.role == "assistant":
            for index, made in enumerate(message.tool_calls):
                open_calls.setdefault(made.id, []).append((place, index))
    return found


def paired(messages: Sequence[Message]) -> list[Message]:
    """Each assistant message with calls is followed by one tool message with a result for each, in the order of the
    calls; one that is missing is put in as an error. No other calls and results are left, and no empty message."""
    found, out = answers(messages), list[Message]()
    for place, message in enumerate(messages):
        speaks = message.role == "assistant"
        parts = tuple(p for p in message.parts if not isinstance(p, ToolResult if speaks else ToolCall | ToolResult))
        if parts:
            out.append(message if len(parts) == len(message.parts) else Message(role=message.role, parts=parts))
        if speaks and message.tool_calls:
            results: list[Part] = [
                found.get((place, index)) or unanswered(call) for index, call in enumerate(message.tool_calls)
            ]
            out.append(Message(role="tool", parts=tuple(results)))
    return out


def unanswered(call: ToolCall) -> ToolResult:
    """In place of a result that is nowhere."""
    return ToolResult(call_id=call.id, name=call.name, content=_UNANSWERED, is_error=True)
