"""A stream of server-sent events as a response: the first event before the headers, pings while nothing happens."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from sessionful.core.deadline import seconds_left
from sessionful.domain.error import AgentError
from sessionful.domain.event import Cursor, Told
from sessionful.surfaces.http.errors import error_json
from sessionful.surfaces.sse import Dialect, look_back
from sessionful.surfaces.sse.resume import Resumed, chained, close

log = logging.getLogger("sessionful.http")

Follow = Callable[[Cursor | None], AsyncIterator[Told]]


class EventStream(StreamingResponse):
    """Made by `open_stream`. Frames that are ready together leave in one write, and silence is broken by pings."""

    media_type = "text/event-stream"

    def __init__(
        self, dialect: Dialect, opening: "asyncio.Task[Resumed]", heartbeat: float, headers: Mapping[str, str]
    ) -> None:
        super().__init__(_frames(dialect, opening), headers={**headers, **_UNBUFFERED})
        self._opening, self._ping, self._heartbeat = opening, dialect.ping, heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until all is told or the client goes away; at the process's deadline it stops without the closing frame, and
        the client comes again. (Starlette's task group would take 0.3 ms of every stream.)"""
        telling = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            ended, _ = await asyncio.wait(
                {telling, leaving}, timeout=seconds_left(), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            leaving.cancel()
            telling.cancel()
            await asyncio.wait({telling})
        if not ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not telling.cancelled():
            telling.result()

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        out = _Out(send, self._ping, self._heartbeat)
        try:
            async for frames in self.body_iterator:
                await out.put(cast(bytes, frames))
            await out.end()
        finally:
            out.close()
            if not self._opening.cancel() and not self._opening.cancelled():
                self._opening.exception()  # seen by now, or of interest to nobody any more
            await close(cast("AsyncIterator[bytes]", self.body_iterator))


class _Out:
    """The way out: what comes while a write is under way, or before it has begun, goes with the next."""

    def __init__(self, send: Send, ping: bytes, heartbeat: float) -> None:
        self._send, self._ping, self._heartbeat = send, ping, heartbeat
        self._waiting: list[bytes] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._written_at = self._loop.time()
        self._timer = self._loop.call_later(heartbeat, self._beat)

    async def put(self, frames: bytes) -> None:
        """Waits only for a client that reads too slowly."""
        self._waiting.append(frames)
        self._size += len(frames)
        if self._writing is None or self._writing.done():
            self._write_soon()
        elif self._size > _MOST:
            await self._writing

    async def end(self) -> None:
        self._timer.cancel()
        if self._writing is not None:
            await self._writing
        await self._send({"type": "http.response.body", "body": b"".join(self._waiting), "more_body": False})

    def close(self) -> None:
        self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()

    def _write_soon(self) -> None:
        if self._writing is not None:
            self._writing.result()  # raises what the last write raised
        self._writing = self._loop.create_task(self._write())

    async def _write(self) -> None:
        while self._waiting:
            body, self._size = b"".join(self._waiting), 0
            self._waiting.clear()
            self._written_at = self._loop.time()
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def _beat(self) -> None:
        silent = self._loop.time() - self._written_at
        if silent >= self._heartbeat and (self._writing is None or self._writing.done()):
            self._waiting.append(self._ping)
            self._write_soon()
            silent = 0.0
        self._timer = self._loop.call_later(max(self._heartbeat - silent, self._heartbeat / 10), self._beat)


_MOST = 64 * 1024
"""Bytes that wait for a slow client before its stream is read on."""

_UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def open_stream(
    dialect: Dialect,
    follow: Follow,
    after: Cursor | None,
    *,
    heartbeat: float,
    one_turn: bool = False,
    grace: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> EventStream:
    """Waits for the first event, so that what fails until then has its own status; but at most `grace` seconds, as
    nobody knows when the next turn will begin."""
    opening = asyncio.create_task(_first(follow, after, one_turn))
    try:
        await asyncio.wait({opening}, timeout=grace)
    except asyncio.CancelledError:
        opening.cancel()
        raise
    if opening.done():
        opening.result()
    return EventStream(dialect, opening, heartbeat, headers or {})


async def _first(follow: Follow, after: Cursor | None, one_turn: bool) -> Resumed:
    last, later = await look_back(follow, after, one_turn=one_turn)
    first = await anext(later, None)
    return Resumed(last, later if first is None else chained(first, later))


async def _frames(dialect: Dialect, opening: "asyncio.Task[Resumed]") -> AsyncIterator[bytes]:
    try:
        last, told = await opening
        async for frames in dialect.frames(told, last):
            yield frames
    except AgentError as error:
        yield dialect.broken(error_json(error))
    except Exception:
        log.exception("a stream broke off")
        yield dialect.broken({"code": "internal_error", "message": "something went wrong here", "details": {}})
