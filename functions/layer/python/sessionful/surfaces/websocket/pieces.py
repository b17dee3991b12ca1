"""Cut long texts, so that every frame fits through the narrowest gateway."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sessionful.surfaces.sse.frame import json_text

Fields = Mapping[str, Any]

LIMIT = 24 * 1024
"""Bytes of a frame at most. API Gateway passes on 32 KB at once."""

_RESERVED = 128  # for the id, and whatever else is put in after the cutting


def pieces(make: Callable[[str], Fields], text: str) -> Iterator[str]:
    """The text in as few pieces as fit into the frames that `make` makes of them; of an empty text one, empty."""
    room = LIMIT - _RESERVED - _size(make(""))
    rest = text
    while True:
        count = _fitting(rest, room)
        yield rest[:count]
        rest = rest[count:]
        if not rest:
            return


def short(error: Fields) -> Fields:
    """An error that fits into a frame: without its details where those are too many."""
    if _size(error) <= LIMIT // 2:
        return error
    return {"code": error["code"], "message": str(error.get("message", ""))[:1000], "details": {}}


def _fitting(text: str, room: int) -> int:
    count = min(len(text), room)
    while count > 1 and (size := _size(text[:count])) > room:
        count = max(count * room // size, 1)
    return count


def _size(value: Any) -> int:
    return len(json_text(value).encode())
