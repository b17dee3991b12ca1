"""Whose request it is: asked once, before anything else of the request is looked at."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from sessionful.domain.error import AgentError
from sessionful.surfaces.http.errors import refusal

Owner = Callable[[HTTPConnection], Awaitable[str]]
"""The owner of what the connection asks for. Raises Unauthenticated, or Forbidden."""

OPEN = frozenset({"/", "/health"})
"""What is everybody's: the page without its data, and whether the server is up."""


class Ownership:
    """Puts the answer into the scope's state. Nobody is told who owns what: a stranger's session is not found."""

    def __init__(self, app: ASGIApp, owner: Owner) -> None:
        self.app = app
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"] not in OPEN and not _preflight(scope):
            state = scope.setdefault("state", {})
            try:
                state["owner"] = await self._owner(HTTPConnection(scope))
            except AgentError as error:
                await refusal(state["request_id"], error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _preflight(scope: Scope) -> bool:
    """A browser asks without credentials whether it may ask with them."""
    return bool(scope.get("method") == "OPTIONS")


async def local_owner(connection: HTTPConnection) -> str:
    """Everybody who can reach a server that asks nobody who they are."""
    return "local"
