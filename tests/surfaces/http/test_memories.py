"""What is remembered over HTTP; the same in both trees."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sessionful.domain.memory import Scope
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import a_service, client_of
from tests.surfaces.remembered import a_session, refusal, remembering, texts

TREES = ["/sessions", "/agents/assistant/sessions"]


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bank() -> InMemoryBank:
    return InMemoryBank()


@pytest.fixture
async def client(bank: InMemoryBank) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(a_service(bank=bank, memory=remembering("session")))) as client:
        yield client


async def test_a_memory_is_added_read_listed_and_erased(
    client: httpx.AsyncClient, tree: str, bank: InMemoryBank
) -> None:
    path = await a_session(client, tree)
    assert (await client.get(path)).json() == {"memories": [], "next_cursor": None}
    made = await client.post(path, json={"text": " Ann lives in Oslo. "})
    memory = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"{path}/{memory['id']}")
    assert memory["created_at"].endswith("Z")
    assert memory == {
        "id": memory["id"],
        "kind": "fact",
        "text": "Ann lives in Oslo.",
        "scope": "session",
        "sources": [],
        "created_at": memory["created_at"],
        "ended_at": None,
        "superseded_by": None,
        "supersedes": [],
        "expires_at": None,
    }
    assert (await client.get(made.headers["location"])).json() == memory
    assert (await client.get(path)).json()["memories"] == [memory]
    erased = await client.delete(made.headers["location"])
    assert (erased.status_code, erased.content, bank.raw_count()) == (204, b"", 0)
    for method in ("GET", "DELETE"):
        assert refusal(await client.request(method, made.headers["location"])) == (404, "memory_not_found")


async def test_what_was_put_in_is_found_by_its_meaning(client: httpx.AsyncClient, bank: InMemoryBank) -> None:
    path = await a_session(client)
    await client.post(path, json={"text": "Ann lives in Oslo."})
    embedder = ScriptedEmbedder()
    (vector,) = await embedder.embed(["Where is Oslo, where Ann lives?"])
    (found,) = await bank.search(Scope("assistant", "local", "s1"), vector, embedder.name, [], 5)
    assert found.memory.text == "Ann lives in Oslo." and found.score > embedder.related


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_correction_takes_the_place_of_what_was_wrong(
    client: httpx.AsyncClient, tree: str, method: str
) -> None:
    path = await a_session(client, tree)
    wrong = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
    answer = await client.request(method, f"{path}/{wrong['id']}", json={"text": "Ann lives in Rome."})
    right = answer.json()
    assert (answer.status_code, right["text"], right["supersedes"]) == (200, "Ann lives in Rome.", [wrong["id"]])
    assert (await client.get(answer.headers["content-location"])).json() == right
    assert await texts(client, path) == ["Ann lives in Rome."]
    assert await texts(client, f"{path}?ended=true") == ["Ann lives in Rome.", "Ann lives in Oslo."]
    ended = (await client.get(f"{path}/{wrong['id']}")).json()
    assert (ended["superseded_by"], ended["ended_at"]) == (right["id"], right["created_at"])


async def test_a_correction_that_comes_twice_is_made_once_and_another_one_too_late(client: httpx.AsyncClient) -> None:
    path = await a_session(client)
    wrong = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
    first = await client.patch(f"{path}/{wrong['id']}", json={"text": "Ann lives in Rome."})
    again = await client.patch(f"{path}/{wrong['id']}", json={"text": "Ann lives in Rome."})
    assert (again.status_code, again.json()) == (200, first.json())
    late = await client.patch(f"{path}/{wrong['id']}", json={"text": "Ann lives in Bonn."})
    assert refusal(late) == (404, "memory_not_found")
    assert late.json()["error"]["details"]["superseded_by"] == first.json()["id"]
    same = await client.patch(f"{path}/{first.json()['id']}", json={"text": "Ann lives in Rome."})
    assert same.json() == first.json()
    assert await texts(client, f"{path}?ended=true") == ["Ann lives in Rome.", "Ann lives in Oslo."]


async def test_a_memory_may_be_put_back_as_it_came(client: httpx.AsyncClient) -> None:
    path = await a_session(client)
    memory = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
    assert (await client.put(f"{path}/{memory['id']}", json=memory)).json() == memory
    other = await client.put(f"{path}/{memory['id']}", json={**memory, "id": "mem_other"})
    assert refusal(other) == (400, "invalid_request")


async def test_the_same_fact_twice_is_one_memory(client: httpx.AsyncClient) -> None:
    path = await a_session(client)
    first = await client.post(path, json={"text": "Ann lives in Oslo."})
    again = await client.post(path, json={"text": "ann  lives in OSLO"})
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_repeated_request_does_not_bring_back_what_was_corrected_since(client: httpx.AsyncClient) -> None:
    path, key = await a_session(client), {"idempotency-key": "k1"}
    first = (await client.post(path, json={"text": "Ann lives in Oslo."}, headers=key)).json()
    assert (await client.post(path, json={"text": "Ann lives in Oslo.", "request_id": "k1"})).json() == first
    await client.patch(f"{path}/{first['id']}", json={"text": "Ann lives in Rome."})
    assert (await client.post(path, json={"text": "Ann lives in Oslo."}, headers=key)).json()["id"] == first["id"]
    assert await texts(client, path) == ["Ann lives in Rome."]
    other = await client.post(path, json={"text": "Ann has a dog."}, headers=key)
    assert refusal(other) == (409, "idempotency_conflict")


async def test_a_list_is_read_page_by_page_the_newest_first(client: httpx.AsyncClient, tree: str) -> None:
    path = await a_session(client, tree)
    for number in range(7):
        await client.post(path, json={"text": f"fact {number}"})
    read: list[dict[str, Any]] = []
    cursor: str | None = None
    for size in (3, 3, 1):
        page = (await client.get(path, params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        assert len(page["memories"]) == size
        read, cursor = read + page["memories"], page["next_cursor"]
    assert cursor is None and {memory["text"] for memory in read} == {f"fact {number}" for number in range(7)}
    assert [memory["created_at"] for memory in read] == sorted((m["created_at"] for m in read), reverse=True)


@pytest.mark.parametrize(
    ("method", "rest", "body", "field"),
    [
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=101", None, "limit"),
        ("GET", "?cursor=forged", None, "cursor"),
        ("GET", "?ended=perhaps", None, "ended"),
        ("POST", "", {}, "text"),
        ("POST", "", {"text": ""}, "text"),
        ("POST", "", {"text": " \n "}, "text"),
        ("POST", "", {"text": 1}, "text"),
        ("POST", "", {"text": "x" * 4001}, "text"),
        ("POST", "", {"text": "x", "txt": "x"}, "txt"),
        ("POST", "", {"text": "x", "scope": "all"}, "scope"),
        ("POST", "", {"text": "x", "owner": "ann"}, "owner"),
        ("PATCH", "/{id}", {}, "text"),
        ("PATCH", "/{id}", {"text": " "}, "text"),
        ("PATCH", "/{id}", {"text": "x", "kind": "summary"}, "kind"),
        ("PUT", "/{id}", {"text": None}, "text"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_the_field(
    client: httpx.AsyncClient, method: str, rest: str, body: Any, field: str
) -> None:
    path = await a_session(client)
    memory = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
    asked = {"json": body} if body is not None else {}
    response = await client.request(method, path + rest.replace("{id}", memory["id"]), **asked)
    assert refusal(response) == (400, "invalid_request")
    assert response.json()["error"]["details"]["field"] == field
    assert (await client.get(path)).json()["memories"] == [memory]


async def test_an_ended_session_still_shows_what_is_remembered_and_lets_it_be_erased(
    client: httpx.AsyncClient,
) -> None:
    path = await a_session(client)
    memory = (await client.post(path, json={"text": "Ann lives in Oslo."})).json()
    await client.post("/sessions/s1/end")
    assert await texts(client, path) == ["Ann lives in Oslo."]
    assert (await client.delete(f"{path}/{memory['id']}")).status_code == 204


async def test_of_an_expired_session_nothing_is_told_any_more(client: httpx.AsyncClient) -> None:
    await client.post("/sessions", json={"id": "s1", "timeout": "1ms"})
    await asyncio.sleep(0.01)
    for method, body in (("GET", {}), ("POST", {"json": {"text": "x"}})):
        response = await client.request(method, "/sessions/s1/memories", **body)
        assert refusal(response) == (410, "session_expired")
