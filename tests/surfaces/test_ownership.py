"""What is whose, on every route: without a token there is nothing, and what is another's is not there."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sessionful.auth.bearer import bearer_owner
from sessionful.surfaces.http.app import create_app
from tests.auth.issuer import LocalIssuer
from tests.surfaces.house import a_service, client_of

OPERATIONS = [
    (method.upper(), path) for path, item in create_app(a_service()).openapi()["paths"].items() for method in item
]
IN_SESSION = [(method, path) for method, path in OPERATIONS if "{session_id}" in path]
OPEN = {("GET", "/"), ("GET", "/health")}
HI = {"message": "Hi"}
BODIES: dict[str, Any] = {
    "messages": HI,
    "message": HI,
    "stream": HI,
    "tasks": {"input": {"content": "Hi"}},
    "checkpoints": {"name": "here"},
    "rewind": {"to": "1"},
    "memories": {"text": "Ann lives in Rome."},
    "{memory_id}": {"text": "Ann lives in Oslo."},
    "import": {"messages": [{"role": "user", "content": "Hi"}]},
}
FORGED = {"owner": "ann", "owner_id": "ann", "user": "ann", "user_id": "ann", "userId": "ann", "sub": "ann"}
HEADERS = {
    "x-user-id": "ann",
    "x-owner": "ann",
    "x-forwarded-user": "ann",
    "x-amzn-oidc-identity": "ann",
    "x-amzn-request-context": '{"authorizer": {"iam": {"userId": "ann"}, "jwt": {"claims": {"sub": "ann"}}}}',
    "cookie": "owner=ann; sub=ann",
}


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer() as issuer:
        yield issuer


@pytest.fixture
def app(issuer: LocalIssuer) -> FastAPI:
    return create_app(a_service("Hello."), owner=bearer_owner(issuer.verifier()))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def named(issuer: LocalIssuer, owner: str) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.token(sub=owner)}"}


def asked(method: str, path: str, turn_id: str = "k1") -> tuple[str, dict[str, Any]]:
    """A good call of the session `mine`."""
    names = {"agent": "assistant", "session_id": "mine", "turn_id": turn_id, "task_id": turn_id, "memory_id": "mem_1"}
    url = re.sub(r"{(\w+)}", lambda name: names[name[1]], path)
    if method in ("POST", "PUT", "PATCH"):
        return url, {"json": BODIES.get(path.rsplit("/", 1)[-1], {})}
    return url + ("?after=1.1.0" if path.endswith("/stream") else ""), {}


async def everything_of(client: httpx.AsyncClient, who: dict[str, str]) -> list[Any]:
    """All that can be seen of the session `mine`."""
    paths = ("/sessions", *(f"/sessions/mine{rest}" for rest in ("", "/messages", "/turns", "/checkpoints", "/export")))
    return [(await client.get(path, headers=who)).json() for path in paths]


async def test_without_a_token_there_is_nothing_but_the_page_and_the_health(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    expired = {"authorization": f"Bearer {issuer.token(exp=1)}"}
    assert set(OPERATIONS) > OPEN
    for method, path in OPERATIONS:
        url, arguments = asked(method, path)
        for headers in ({}, HEADERS, expired, {"authorization": "Basic YW5uOmFubg=="}):
            response = await client.request(method, url, headers=headers, **arguments)
            if (method, path) in OPEN:
                assert response.status_code == 200
                continue
            assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthenticated"), (method, url)
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert response.json()["error"]["request_id"] == response.headers["x-request-id"]


async def test_a_stranger_does_not_learn_which_paths_there_are(client: httpx.AsyncClient) -> None:
    for path in ("/nothing", "/openapi.json", "/docs", "/agents/nobody", "/sessions/", "/health/", "/HEALTH"):
        assert (await client.get(path)).status_code == 401
    assert (await client.get("/sessions?token=a.b.c&access_token=a.b.c")).status_code == 401
    assert (await client.delete("/sessions")).status_code == 401


@pytest.mark.parametrize("home", ["/sessions", "/agents/assistant/sessions"])
async def test_another_owners_session_is_not_found_on_any_route_and_stays_as_it_is(
    client: httpx.AsyncClient, issuer: LocalIssuer, home: str
) -> None:
    ann, eve = named(issuer, "ann"), named(issuer, "eve")
    await client.post(home, json={"id": "mine", "title": "private"}, headers=ann)
    answer = (await client.post(f"{home}/mine/messages", json=HI, headers={**ann, "idempotency-key": "k1"})).json()
    await client.post(f"{home}/mine/checkpoints", json={"name": "here"}, headers=ann)
    before = await everything_of(client, ann)
    assert before[1]["title"] == "private"
    for method, path in IN_SESSION:
        for turn_id in ("k1", answer["turn_id"]):
            url, arguments = asked(method, path, turn_id)
            response = await client.request(method, url, headers=eve, **arguments)
            assert (response.status_code, response.json()["error"]["code"]) == (404, "session_not_found"), (method, url)
            assert "private" not in response.text
    for path in ("/sessions", "/agents/assistant/sessions"):
        assert (await client.get(path, headers=eve)).json()["sessions"] == []
    assert await everything_of(client, ann) == before


@pytest.mark.parametrize("home", ["/sessions", "/agents/assistant/sessions"])
async def test_the_same_id_is_another_session_for_another_owner(
    client: httpx.AsyncClient, issuer: LocalIssuer, home: str
) -> None:
    ann, eve = named(issuer, "ann"), named(issuer, "eve")
    key = {"idempotency-key": "k1"}
    for who in (ann, eve):
        assert (await client.post(home, json={"id": "mine"}, headers=who)).status_code == 201
    hers = (await client.post(f"{home}/mine/messages", json=HI, headers=ann | key)).json()
    before = await everything_of(client, ann)
    other = (await client.post(f"{home}/mine/messages", json={"message": "Who?"}, headers=eve | key)).json()
    assert other["turn_id"] != hers["turn_id"]
    response = await client.get(f"{home}/mine/turns/{hers['turn_id']}", headers=eve)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "turn_not_found")
    said = (await client.get(f"{home}/mine/messages", headers=eve)).json()["messages"]
    assert [message["text"] for message in said if message["role"] == "user"] == ["Who?"]
    assert (await client.delete(f"{home}/mine", headers=eve)).status_code == 204
    assert await everything_of(client, ann) == before


async def test_a_message_that_names_anothers_session_opens_ones_own(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    ann, eve = named(issuer, "ann"), named(issuer, "eve")
    for path in ("/agents/assistant/messages", "/agents/assistant/messages/stream"):
        await client.post(path, json={**HI, "session_id": "mine"}, headers=ann)
        before = await everything_of(client, ann)
        await client.post(path, json={"message": "Who?", "session_id": "mine"}, headers=eve)
        assert await everything_of(client, ann) == before
    texts = [said["text"] for said in (await client.get("/sessions/mine/messages", headers=eve)).json()["messages"]]
    assert "Hi" not in texts


async def test_nothing_that_is_sent_besides_the_token_says_whose_it_is(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    eve = named(issuer, "eve") | HEADERS
    routes: tuple[tuple[str, Any], ...]
    routes = (("/sessions", {}), ("/sessions/import", BODIES["import"]), ("/agents/assistant/messages", HI))
    made = 0
    for field, value in FORGED.items():
        for body in ({field: value}, {"metadata": {field: value}}, {"state": {field: value}}):
            for path, rest in routes:
                response = await client.post(path, params={field: value}, json={**rest, **body}, headers=eve)
                made += response.is_success
                assert response.is_success or response.status_code == 400
    assert made > 0
    assert len((await client.get("/sessions?limit=100", headers=eve)).json()["sessions"]) == made
    for query in ("", "?owner=ann", "?user_id=ann"):
        assert (await client.get(f"/sessions{query}", headers=named(issuer, "ann"))).json()["sessions"] == []
