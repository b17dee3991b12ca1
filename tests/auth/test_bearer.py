"""The one token that a request or a WebSocket carries."""

import pytest
from starlette.requests import HTTPConnection

from sessionful.auth.bearer import bearer_owner, token_of
from sessionful.domain.error import Unauthenticated
from tests.auth.issuer import LocalIssuer


def connection(*authorization: str, offers: tuple[str, ...] = (), query: str = "") -> HTTPConnection:
    headers = [(b"authorization", value.encode("latin-1")) for value in authorization]
    kind = "websocket" if offers else "http"
    scope = {"type": kind, "headers": headers, "query_string": query.encode(), "path": "/sessions"}
    return HTTPConnection(scope | ({"subprotocols": list(offers)} if offers else {}))


@pytest.mark.parametrize("header", ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d", " Bearer a.b-c_d "])
def test_a_header_carries_it(header: str) -> None:
    assert token_of(connection(header)) == "a.b-c_d"


def test_a_websocket_may_offer_it_beside_the_protocol_that_is_spoken() -> None:
    assert token_of(connection(offers=("sessionful.v1", "bearer.a.b.c"))) == "a.b.c"
    assert token_of(connection("Bearer a.b.c", offers=("sessionful.v1",))) == "a.b.c"


@pytest.mark.parametrize(
    "carried",
    [
        connection(),
        connection(query="access_token=a.b.c&token=a.b.c"),
        connection(offers=("sessionful.v1",)),
        connection(""),
        connection("a.b.c"),
        connection("Bearer"),
        connection("Bearer "),
        connection("Bearer a.b.c d.e.f"),
        connection("Bearer a.b.c, Bearer d.e.f"),
        connection("Bearer a.b.\xe9"),
        connection("Basic YW5uOnNlY3JldA=="),
        connection("Basic YW5uOnNlY3JldA==", "Bearer a.b.c"),
        connection("Bearer a.b.c", "Bearer a.b.c"),
        connection("Bearer a.b.c", offers=("bearer.a.b.c",)),
        connection(offers=("bearer.a.b.c", "bearer.d.e.f")),
        connection(offers=("bearer.",)),
    ],
    ids=lambda carried: f"{carried.headers.getlist('authorization')} {carried.scope.get('subprotocols', '')}",
)
def test_anything_but_one_token_is_refused_and_not_repeated(carried: HTTPConnection) -> None:
    with pytest.raises(Unauthenticated) as refused:
        token_of(carried)
    assert not any(part in refused.value.message for part in ("a.b", "d.e", "YW5u"))


async def test_its_owner_is_whom_the_token_names(issuer: LocalIssuer) -> None:
    owner = bearer_owner(issuer.verifier())
    assert await owner(connection(f"Bearer {issuer.token(sub='eve')}")) == "eve"
    with pytest.raises(Unauthenticated):
        await owner(connection(f"Bearer {issuer.token(aud='x')}"))
