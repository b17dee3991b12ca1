"""What the tests of streams share: a served session, the three dialects, and ways to read them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.surfaces.frames import Frame, chunk_text, event_text, read, typed_text
from tests.surfaces.house import an_app, serving

CHUNKS = "/agents/assistant/sessions/s1/messages/stream"
TYPED = "/sessions/s1/message/stream"
FULL = "/sessions/s1/messages/stream?events=full"
DIALECTS: dict[str, tuple[str, Callable[[Sequence[Frame]], str], Callable[[Frame], bool]]] = {
    "chunks": (CHUNKS, chunk_text, lambda frame: frame.data == "[DONE]"),
    "typed": (TYPED, typed_text, lambda frame: frame.event == "done"),
    "events": (FULL, event_text, lambda frame: frame.event in ("turn_completed", "turn_failed", "turn_cancelled")),
}
dialects = pytest.mark.parametrize("dialect", DIALECTS)
HI = {"message": "Hi"}
POEM = "Tout ce qui brille — n'est pas or. 🙂\nNot all that glitters is gold; " * 4


@asynccontextmanager
async def session(*replies: Any, **fields: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(an_app(*replies, **fields)) as client:
        await client.post("/sessions", json={"id": "s1"})
        yield client


async def whole(client: httpx.AsyncClient, path: str, cursor: str = "") -> list[Frame]:
    """What a GET gives up to the end of the turn."""
    response = await client.get(path, headers={"last-event-id": cursor} if cursor else {})
    assert response.status_code == 200, response.text
    return read(response.content)


async def posted(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> list[Frame]:
    response = await client.post(path, json=HI, headers=headers)
    assert response.status_code == 200, response.text
    return read(response.content)
