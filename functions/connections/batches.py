"""Frames that are ready together. A frame is a request to the gateway, and a model says words faster than those go."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.pieces import LIMIT
from sessionful.surfaces.websocket.teller import Frame

_MOST = 256


class Ready:
    """Reads on while nobody takes, by one frame: the rest stays where it comes from."""

    def __init__(self, frames: AsyncIterator[Frame]) -> None:
        self._frames = frames
        self._coming: asyncio.Future[Frame] | None = None

    async def take(self, within: float) -> list[Frame]:
        """What is ready; the first is waited for, so many seconds. None may be asked for behind the last."""
        taken: list[Frame] = []
        while len(taken) < _MOST and not (taken and taken[-1].last):
            if self._coming is None:
                self._coming = asyncio.ensure_future(anext(self._frames))
            await (asyncio.sleep(0) if taken else asyncio.wait({self._coming}, timeout=within))
            if not self._coming.done():
                break
            taken.append(self._coming.result())
            self._coming = None
        return taken

    async def close(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})


def joined(frames: Iterable[Frame]) -> list[Frame]:
    """With one frame for neighbouring texts, as far as it is not too long. It has the place of the last of them."""
    out: list[Frame] = []
    before: dict[str, Any] | None = None
    for frame in frames:
        fields = json.loads(frame.text)
        kind = _text_of(fields)
        if kind is not None and before is not None and kind in before:
            together = {**fields, kind: before[kind] + fields[kind]}
            text = json_text(together)
            if len(text.encode()) <= LIMIT:
                out[-1], before = frame._replace(text=text), together
                continue
        out.append(frame)
        before = fields if kind is not None else None
    return out


def _text_of(fields: dict[str, Any]) -> str | None:
    """The field that holds the text of a frame which says nothing else."""
    if "chunk" in fields:
        return "chunk"
    return "content" if fields.get("chunkType") == "text" else None
