"""Around every request: its id, in and out, and one body also for what nobody foresaw, and for whoever
still waits when the server stops."""

import asyncio
import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sessionful.core.about import about
from sessionful.domain.error import ServerStopping
from sessionful.domain.identity import sortable_id
from sessionful.surfaces.http.errors import error_response, refusal

log = logging.getLogger("sessionful.http")

_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_STOPPING = ServerStopping("this server stops; ask again, and another one answers")


class Envelope:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] in _STARTS:
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with about(request_id=request_id):
                await self.app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            if not started:
                await refusal(request_id, _STOPPING)(scope, receive, send_with_id)
            raise
        except Exception:
            log.exception("request_id=<%s> type=<%s> path=<%s>", request_id, scope["type"], scope["path"])
            if started:
                raise
            error = {"code": "internal_error", "message": "something went wrong here; it was logged under this id"}
            await error_response(request_id, error)(scope, receive, send_with_id)


def _request_id(given: str | None) -> str:
    """The caller's own where it is one that can be logged and sent back."""
    if given is not None and 0 < len(given) <= 128 and given.isascii() and given.isprintable():
        return given
    return f"req_{sortable_id()}"
