"""The chunks dialect: `data: {"chunk": "text"}` frames without a name, closed by `data: [DONE]`."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sessionful.domain.event import (
    TERMINAL,
    AnyEvent,
    Cursor,
    TextDelta,
    Told,
    TurnCompleted,
    TurnFailed,
    TurnSuperseded,
)
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.frame import PING, frame, json_text
from sessionful.surfaces.sse.pace import paced
from sessionful.surfaces.sse.resume import close
from sessionful.surfaces.sse.spoken import Spoken

CANCELLED = {"code": "turn_cancelled", "message": "the turn was cancelled", "details": {}}


class Chunks:
    """A tool call, its result and a debug line have one place each on the tape: each is told in one frame."""

    ping = PING

    def __init__(self, style: Style) -> None:
        self._style = style
        self._plain = style.streaming and not (style.tools or style.thinking or style.debug)

    async def frames(self, told: AsyncIterator[Told], last: Told | None = None) -> AsyncIterator[bytes]:
        told = paced(told, self._style)
        spoken = Spoken(self._style, last)
        cursor = last.cursor if last is not None else None
        held: list[str] = []
        try:
            async for here, event in told:
                if self._plain and type(event) is TextDelta:
                    yield _chunk(event.text, here)
                elif isinstance(event, TERMINAL):
                    held.append(spoken.text(here, event))
                    yield (_chunk("".join(held), cursor) if any(held) else b"") + _closing(event, cursor, here)
                    return
                elif isinstance(event, TurnSuperseded):
                    keep = spoken.go_back(event.keep)
                    held = ["".join(held)[:keep]]
                    if self._style.streaming:
                        yield frame(json_text({"keep": keep}), "superseded", here)
                elif text := spoken.text(here, event):
                    if self._style.streaming:
                        yield _chunk(text, here)
                    else:
                        held.append(text)
                cursor = here
        finally:
            await close(told)

    def broken(self, error: Mapping[str, Any]) -> bytes:
        return frame(json_text({"error": error}), "error") + frame("[DONE]")


def _chunk(text: str, cursor: Cursor | None) -> bytes:
    return frame(f'{{"chunk": {json_text(text)}}}', cursor=cursor)


def _closing(event: AnyEvent, before: Cursor | None, behind: Cursor) -> bytes:
    done = frame("[DONE]", cursor=behind)
    if isinstance(event, TurnCompleted):
        return done
    error = event.error if isinstance(event, TurnFailed) else CANCELLED
    return frame(json_text({"error": error}), "error", before) + done
