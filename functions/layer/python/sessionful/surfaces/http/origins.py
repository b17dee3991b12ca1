"""Which web pages may use this server. A page of an origin that is not allowed can neither read nor change anything.

A body is read as JSON whatever its content type says (curl sends a form's), so a browser would let any page post here
without asking first. Therefore a request that changes something and comes from a foreign origin is refused, not
merely left without the headers.
"""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sessionful.surfaces.http.errors import error_response

LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_WEBSOCKET = "WEBSOCKET"  # any page can open one, and read it: no browser asks first
_SAFE = ("GET", "HEAD", "OPTIONS")
_EXPOSED = "ETag, Location, Retry-After, X-Request-Id, X-Session-Id, X-Turn-Id"


class Origins:
    """`allowed`: origins such as `https://app.example.com`, or `*`; none: pages of this machine, on any port. A
    `silent` one refuses as well, and leaves it to whatever stands in front to tell the browsers."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str] | None = None, silent: bool = False) -> None:
        self.app = app
        self._allowed, self._silent = allowed, silent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else None
        origin = headers.get("origin") if headers is not None else None
        if headers is None or origin is None:
            await self.app(scope, receive, send)
            return
        allowed = self._allows(origin)
        method = scope.get("method", _WEBSOCKET)
        asks = headers.get("access-control-request-method") if method == "OPTIONS" else None
        if not allowed and method not in _SAFE and not _same_origin(origin, headers):
            error = {"code": "forbidden", "message": "web pages of this origin may not use this server"}
            await error_response(scope["state"]["request_id"], {**error, "details": {"origin": origin}})(
                scope, receive, send
            )
        elif self._silent or method == _WEBSOCKET:
            await self.app(scope, receive, send)
        elif allowed and asks is not None:
            await Response(status_code=204, headers=_preflight(origin, headers))(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, origin if allowed else None))

    def _allows(self, origin: str) -> bool:
        if self._allowed is None:
            return LOOPBACK.fullmatch(origin) is not None
        return "*" in self._allowed or origin in self._allowed


def _same_origin(origin: str, headers: Headers) -> bool:
    """`Sec-Fetch-Site` where the browser sends it: behind a proxy the Host may be another one than the page's."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return origin.partition("://")[2] == headers.get("host")


def _preflight(origin: str, headers: Headers) -> dict[str, str]:
    asked = headers.get("access-control-request-headers")
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin, Access-Control-Request-Headers",
        **({"Access-Control-Allow-Headers": asked} if asked else {}),
    }


def _with_headers(send: Send, origin: str | None) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if origin is not None:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = _EXPOSED
        await send(message)

    return send_with_headers
