"""One frame: `id`, `event` and `data` lines and an empty line (WHATWG HTML, 9.2 Server-sent events)."""

import json
from typing import Any

from sessionful.domain.event import AnyEvent, Cursor

PING = b": ping\n\n"

_SPACED = json.JSONEncoder(ensure_ascii=False).encode
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def json_text(value: Any, compact: bool = False) -> str:
    """JSON on one line for every client: some split lines at U+0085, U+2028 and U+2029 too. Half a surrogate pair,
    which UTF-8 cannot carry, is escaped."""
    text = _COMPACT(value) if compact else _SPACED(value)
    return text if text.isascii() else _one_line(text)


def event_json(event: AnyEvent) -> str:
    """The one native JSON form of an event."""
    try:
        text = event.model_dump_json()
    except ValueError:  # pydantic refuses half a surrogate pair
        return json_text(event.model_dump(), compact=True)
    return text if text.isascii() else _one_line(text)


def frame(data: str, event: str | None = None, cursor: Cursor | None = None) -> bytes:
    """`data` is one line of text."""
    head = "" if cursor is None else f"id: {cursor}\n"
    name = "" if event is None else f"event: {event}\n"
    return f"{head}{name}data: {data}\n\n".encode()


def _one_line(text: str) -> str:
    text = text.translate(_LINE_ENDS)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    return text
