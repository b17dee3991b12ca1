"""Every event of the log, named by its type, in its one native JSON form, up to the turn's terminal event."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sessionful.domain.event import TERMINAL, Told
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.facts import facts
from sessionful.surfaces.sse.frame import PING, event_json, frame, json_text
from sessionful.surfaces.sse.resume import close


class Events:
    ping = PING

    def __init__(self, style: Style) -> None:
        self._debug = style.debug

    async def frames(self, told: AsyncIterator[Told], last: Told | None = None) -> AsyncIterator[bytes]:
        try:
            async for cursor, event in told:
                yield frame(event_json(event), event.type, cursor)
                if self._debug and (known := facts(cursor, event)):
                    yield frame(debug_json(known), "debug", cursor)
                if isinstance(event, TERMINAL):
                    return
        finally:
            await close(told)

    def broken(self, error: Mapping[str, Any]) -> bytes:
        return frame(json_text({"type": "error", "error": error}, compact=True), "error")


def debug_json(known: Mapping[str, str | int]) -> str:
    return json_text({"type": "debug", **{name.lower(): value for name, value in known.items()}}, compact=True)
