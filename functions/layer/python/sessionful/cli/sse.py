"""A server's event stream, read from the lines of a response (WHATWG HTML, 9.2 "Server-sent events")."""

from collections.abc import AsyncIterator
from typing import NamedTuple


class Frame(NamedTuple):
    """`id` is the last one the stream has told, on this frame or on an earlier one."""

    id: str
    event: str
    data: str


async def frames(lines: AsyncIterator[str]) -> AsyncIterator[Frame]:
    """A frame without its closing empty line is one that broke off: it is not told."""
    last_id, event, data = "", "", list[str]()
    async for line in lines:
        if not line:
            if data:
                yield Frame(last_id, event or "message", "\n".join(data))
            event, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value
