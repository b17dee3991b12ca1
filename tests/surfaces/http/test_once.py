"""Every creation that bears an idempotency key happens once, whatever is lost, repeated or sent at the same time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from sessionful.core.service import Service
from sessionful.domain.error import StoreUnavailable
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.turn import Entry
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import an_agent, an_app, by_header, client_of

KEY = {"idempotency-key": "k1"}
CREATIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "create": ("/sessions", {"title": "Trip", "state": {"n": 1}}, {"title": "Other"}),
    "create with a past": ("/sessions", {"messages": [{"role": "user", "content": "Hi"}]}, {"messages": []}),
    "create under an id": ("/sessions", {"id": "mine", "title": "Trip"}, {"id": "mine"}),
    "fork": ("/sessions/origin/fork", {}, {"at": 1}),
    "fork under an id": ("/sessions/origin/fork", {"id": "mine", "at": 1}, {"id": "mine"}),
    "import": ("/sessions/import", {"title": "Trip", "messages": []}, {"title": "Other"}),
    "import under an id": ("/sessions/import", {"session_id": "mine", "title": "Trip"}, {"session_id": "mine"}),
    "checkpoint": ("/sessions/origin/checkpoints", {"name": "here"}, {"name": "there"}),
    "checkpoint without a name": ("/sessions/origin/checkpoints", {}, {"name": "there"}),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app("Hello there.")) as client:
        await an_origin(client)
        yield client


async def an_origin(client: httpx.AsyncClient) -> None:
    await client.post("/sessions", json={"id": "origin"})
    for text in ("one", "two"):
        await client.post("/sessions/origin/messages", json={"message": text})


async def count(client: httpx.AsyncClient) -> int:
    """How many sessions and checkpoints there are."""
    sessions = (await client.get("/sessions", params={"limit": 100})).json()["sessions"]
    points = (await client.get("/sessions/origin/checkpoints")).json()["checkpoints"]
    return len(sessions) + len(points)


@pytest.fixture(params=CREATIONS.values(), ids=CREATIONS.keys())
def creation(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], dict[str, Any]]:
    found: tuple[str, dict[str, Any], dict[str, Any]] = request.param
    return found


Creation = tuple[str, dict[str, Any], dict[str, Any]]


async def test_a_repeated_creation_is_answered_as_the_first_one_was(
    client: httpx.AsyncClient, creation: Creation
) -> None:
    path, body, _ = creation
    before = await count(client)
    first = await client.post(path, json=body, headers=KEY)
    spelt = await client.post(path, json={**body, "request_id": "k1"})
    both = await client.post(path, json={**body, "requestId": "k1"}, headers=KEY)
    assert first.status_code == spelt.status_code == both.status_code == 201
    assert first.json() == spelt.json() == both.json()
    assert first.headers.get("location") == spelt.headers.get("location")
    assert await count(client) == before + 1


async def test_the_same_key_with_another_body_is_a_conflict(client: httpx.AsyncClient, creation: Creation) -> None:
    path, body, other = creation
    await client.post(path, json=body, headers=KEY)
    before = await count(client)
    response = await client.post(path, json=other, headers=KEY)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert await count(client) == before


async def test_two_at_the_same_time_make_one(client: httpx.AsyncClient, creation: Creation) -> None:
    path, body, _ = creation
    before = await count(client)
    answers = await asyncio.gather(*(client.post(path, json=body, headers=KEY) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await count(client) == before + 1


async def test_another_key_makes_another_one_where_the_name_is_free(
    client: httpx.AsyncClient, creation: Creation
) -> None:
    path, body, _ = creation
    first = await client.post(path, json=body, headers=KEY)
    other = await client.post(path, json=body, headers={"idempotency-key": "k2"})
    if "session_id" in body or "id" in body:
        assert (other.status_code, other.json()["error"]["code"]) == (409, "session_exists")
    elif "name" in body:  # a name at the same point is the same point, whoever asks
        assert (other.status_code, other.json()) == (201, first.json())
    else:
        assert other.status_code == 201 and other.json() != first.json()


class ForgetfulLog(InMemoryLog):
    """Does what it is told and then loses its answer, once."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = False

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        return self._answer(await super().create(session, entries))

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        return self._answer(await super().fork(source, at, child))

    async def change(self, *arguments: Any) -> Session:
        return self._answer(await super().change(*arguments))

    def _answer(self, session: Session) -> Session:
        if self.lose:
            self.lose = False
            raise StoreUnavailable("the line was lost")
        return session


async def test_a_creation_whose_answer_was_lost_is_found_again(creation: Creation) -> None:
    path, body, _ = creation
    log = ForgetfulLog()
    async with client_of(create_app(Service([an_agent(log)]))) as client:
        await an_origin(client)
        before = await count(client)
        log.lose = True
        assert (await client.post(path, json=body, headers=KEY)).status_code == 503
        assert (await client.post(path, json=body, headers=KEY)).status_code == 201
        assert await count(client) == before + 1


async def test_what_was_said_since_shows_in_the_repeated_answer(client: httpx.AsyncClient) -> None:
    made = (await client.post("/sessions", json={"title": "Trip"}, headers=KEY)).json()
    await client.post(f"/sessions/{made['id']}/messages", json={"message": "Hi"})
    again = await client.post("/sessions", json={"title": "Trip"}, headers=KEY)
    assert (again.status_code, again.json()["id"], again.json()["message_count"]) == (201, made["id"], 2)


async def test_both_trees_find_what_the_one_agent_has_made(client: httpx.AsyncClient) -> None:
    first = await client.post("/sessions", json={"title": "Trip"}, headers=KEY)
    again = await client.post("/agents/assistant/sessions", json={"title": "Trip"}, headers=KEY)
    assert again.json() == first.json()


async def test_a_checkpoint_is_found_again_though_its_session_went_on(client: httpx.AsyncClient) -> None:
    first = await client.post("/sessions/origin/checkpoints", json={"name": "here"}, headers=KEY)
    await client.post("/sessions/origin/messages", json={"message": "on"})
    again = await client.post("/sessions/origin/checkpoints", json={"name": "here"}, headers=KEY)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_deleted_session_is_made_anew(client: httpx.AsyncClient) -> None:
    made = (await client.post("/sessions", json={"state": {"n": 1}}, headers=KEY)).json()
    await client.delete(f"/sessions/{made['id']}")
    again = await client.post("/sessions", json={"state": {"n": 1}}, headers=KEY)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (201, made["id"], {"n": 1})


async def test_two_owners_with_one_key_have_a_session_each() -> None:
    service = Service([an_agent(InMemoryLog())])
    app = create_app(service, owner=by_header)
    async with client_of(app) as client:
        made = [
            (await client.post("/sessions", json={}, headers={**KEY, "x-test-user": user})).json()["id"]
            for user in ("ann", "eve")
        ]
        assert made[0] != made[1]


async def test_a_fork_and_a_copy_are_nobodys_repeated_request(client: httpx.AsyncClient) -> None:
    made = (await client.post("/sessions", json={"title": "Trip"}, headers=KEY)).json()
    document = (await client.get(f"/sessions/{made['id']}/export")).json()
    assert "made_with" not in str(document)
    await client.post(f"/sessions/{made['id']}/fork", json={"id": "child"})
    await client.delete(f"/sessions/{made['id']}")
    await client.post("/sessions/import", json=document)
    for path, body in (("/sessions", {"title": "Trip", "id": "child"}), ("/sessions", {"title": "Trip"})):
        response = await client.post(path, json=body, headers=KEY)
        assert (response.status_code, response.json()["error"]["code"]) == (409, "session_exists")


@pytest.mark.parametrize(
    "path", ["/sessions", "/sessions/origin/fork", "/sessions/import", "/sessions/origin/checkpoints"]
)
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, path: str) -> None:
    for body, headers in (
        ({"request_id": ""}, {}),
        ({"request_id": 7}, {}),
        ({"request_id": "other"}, KEY),
        ({}, {"idempotency-key": "x" * 257}),
    ):
        response = await client.post(path, json=body, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
