"""The token that a request carries (RFC 6750)."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sessionful.domain.error import Unauthenticated

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from sessionful.auth.verifier import TokenVerifier

SUBPROTOCOL = "bearer."
"""A browser sets no header on a WebSocket. The token is offered as a subprotocol beside the one that is spoken; the
server accepts the other one, so that the token is not said back."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def bearer_owner(verifier: "TokenVerifier") -> "Callable[[HTTPConnection], Awaitable[str]]":
    """Whose a request or a WebSocket is, by its token. A token in the address would be logged everywhere, so none is
    looked for there."""

    async def owner(connection: "HTTPConnection") -> str:
        return await verifier.owner(token_of(connection))

    return owner


def token_of(connection: "HTTPConnection") -> str:
    """The one token that it carries. Raises Unauthenticated where there is none, or more than one."""
    given = [_from_header(value) for value in connection.headers.getlist("authorization")]
    offered = connection.scope.get("subprotocols", ())
    given += [name.removeprefix(SUBPROTOCOL) for name in offered if name.startswith(SUBPROTOCOL)]
    if not given:
        raise Unauthenticated("this needs a token; send it as: Authorization: Bearer TOKEN")
    if len(given) > 1:
        raise Unauthenticated("there is more than one token; send exactly one")
    if not _TOKEN.fullmatch(given[0]):
        raise Unauthenticated("what was sent as a token is none; send it as: Authorization: Bearer TOKEN")
    return given[0]


def _from_header(value: str) -> str:
    scheme, _, token = value.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("this needs a bearer token; send it as: Authorization: Bearer TOKEN")
    return token.strip()
