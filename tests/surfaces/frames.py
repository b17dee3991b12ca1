"""A reader of server-sent events, as a browser's: the test's own, so that both sides of the wire are checked."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

import httpx


class Frame(NamedTuple):
    """`id` is the last one the stream has told; `own_id` whether this very frame told it."""

    id: str
    event: str
    data: str
    own_id: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Reader:
    def __init__(self) -> None:
        self.comments: list[str] = []
        self._id, self._own, self._event, self._data = "", False, "", list[str]()

    def line(self, line: str) -> Frame | None:
        if not line:
            frame = Frame(self._id, self._event or "message", "\n".join(self._data), self._own) if self._data else None
            self._own, self._event, self._data = False, "", []
            return frame
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
        elif name == "id":
            self._id, self._own = value, True
        elif name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        else:
            raise AssertionError(f"no field of an event stream: {line!r}")
        return None


def read(raw: bytes | str) -> list[Frame]:
    text = raw.decode() if isinstance(raw, bytes) else raw
    assert text.endswith("\n\n") or not text, "the last frame broke off"
    return list(_frames(text.split("\n")))


def _frames(lines: Iterable[str]) -> Iterator[Frame]:
    reader = Reader()
    for line in lines:
        if (frame := reader.line(line)) is not None:
            yield frame


async def frames(response: httpx.Response, reader: Reader | None = None) -> AsyncIterator[Frame]:
    """As they arrive. Splits at newlines only: what a client sees is what was sent."""
    reader, rest = reader or Reader(), b""
    async for chunk in response.aiter_raw():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if (frame := reader.line(line.decode())) is not None:
                yield frame


def chunk_text(frames: Iterable[Frame]) -> str:
    """What a client of the chunks dialect has on its screen."""
    text = ""
    for frame in frames:
        if frame.event == "superseded":
            text = text[: frame.json["keep"]]
        elif frame.event == "message" and frame.data != "[DONE]":
            text += frame.json["chunk"]
    return text


def typed_text(frames: Iterable[Frame]) -> str:
    return "".join(frame.json["text"] for frame in frames if frame.event == "text_delta")


def event_text(frames: Iterable[Frame]) -> str:
    return typed_text(frames)
