"""Checkpoints and going back over HTTP; the same in both trees."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.surfaces.house import Gate, an_app, client_of, until

TREES = ["/sessions", "/agents/assistant/sessions"]


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app("Hello there.")) as client:
        yield client


async def a_session(client: httpx.AsyncClient, tree: str) -> str:
    """Of three turns, each with a state of its own; its path."""
    path: str = (await client.post(tree, json={"id": "s1"})).headers["location"]
    for number in (1, 2, 3):
        await client.patch(path, json={"state": {"n": number}})
        assert (await client.post(f"{path}/messages", json={"message": f"question {number}"})).status_code == 200
    return path


async def test_a_checkpoint_is_made_listed_and_gone_back_to(client: httpx.AsyncClient, tree: str) -> None:
    path = await a_session(client, tree)
    assert (await client.get(f"{path}/checkpoints")).json() == {"checkpoints": []}
    made = await client.post(f"{path}/checkpoints", json={"name": "before the trip"})
    point = made.json()
    assert made.status_code == 201
    assert point.keys() == {"name", "at", "message_count", "state", "created_at"}
    assert (point["name"], point["at"], point["message_count"], point["state"]) == (
        "before the trip",
        "3.1",
        6,
        {"n": 3},
    )
    assert point["created_at"].endswith("Z")
    nameless = (await client.post(f"{path}/checkpoints")).json()
    assert (await client.get(f"{path}/checkpoints")).json() == {"checkpoints": [point, nameless]}

    back = await client.post(f"{path}/rewind", json={"to": 1})
    assert (back.status_code, back.json()["state"], back.json()["message_count"]) == (200, {"n": 1}, 2)
    assert back.headers["etag"] == f'"{back.json()["version"]}"'
    assert (await client.get(path)).json() == back.json()
    again = await client.post(f"{path}/rewind", json={"to": "before the trip"})
    assert (again.json()["state"], again.json()["message_count"]) == ({"n": 3}, 6)
    messages = (await client.get(f"{path}/messages")).json()["messages"]
    assert [each["text"] for each in messages if each["role"] == "user"] == [f"question {n}" for n in (1, 2, 3)]


async def test_where_to_go_back_to_is_said_in_several_ways(client: httpx.AsyncClient, tree: str) -> None:
    path = await a_session(client, tree)
    await client.post(f"{path}/checkpoints", json={"name": "all"})
    second = (await client.get(f"{path}/messages")).json()["messages"][2]["turn_id"]
    bodies: list[tuple[dict[str, Any], int]] = [
        ({"checkpoint": "all"}, 6),
        ({"at": second}, 4),
        ({"to": "all"}, 6),
        ({"to": "2.1"}, 4),
        ({"at": 1}, 2),
    ]
    for body, count in bodies:
        assert (await client.post(f"{path}/rewind", json=body)).json()["message_count"] == count


async def test_what_cannot_be_gone_back_to_is_refused(client: httpx.AsyncClient, tree: str) -> None:
    path = await a_session(client, tree)
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"to": "nowhere"}, 404, "checkpoint_not_found"),
        ({"to": 9}, 404, "turn_not_found"),
        ({"to": "3.2"}, 404, "turn_not_found"),
        ({}, 400, "invalid_request"),
        ({"to": 1, "at": 2}, 400, "invalid_request"),
        ({"too": 1}, 400, "invalid_request"),
    ]
    for body, status, code in refused:
        response = await client.post(f"{path}/rewind", json=body)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert (await client.get(path)).json()["message_count"] == 6


async def test_a_name_stands_for_one_point(client: httpx.AsyncClient, tree: str) -> None:
    path = await a_session(client, tree)
    first = await client.post(f"{path}/checkpoints", json={"name": "here"})
    again = await client.post(f"{path}/checkpoints", json={"name": "here"})
    assert (again.status_code, again.json()) == (201, first.json())
    await client.post(f"{path}/messages", json={"message": "on"})
    other = await client.post(f"{path}/checkpoints", json={"name": "here"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "checkpoint_exists")
    wrong = await client.post(f"{path}/checkpoints", json={"name": "12"})
    assert (wrong.status_code, wrong.json()["error"]["details"]["field"]) == (400, "name")


async def test_a_busy_session_is_neither_marked_nor_moved(tree: str) -> None:
    gate = Gate("yes", "no")
    async with client_of(an_app(gate)) as client:
        path = (await client.post(tree, json={"id": "s1"})).headers["location"]
        await client.post(f"{path}/checkpoints", json={"name": "start"})
        gate.let()
        await client.post(f"{path}/messages", json={"message": "go"}, headers={"prefer": "respond-async"})
        await until(lambda: gate.said > 0)
        for route, body in (("checkpoints", {"name": "here"}), ("rewind", {"to": "start"})):
            response = await client.post(f"{path}/{route}", json=body)
            assert (response.status_code, response.json()["error"]["code"]) == (409, "session_busy")
        gate.let()


async def test_nobody_elses_session_has_points(client: httpx.AsyncClient) -> None:
    for method, rest in (("POST", "checkpoints"), ("GET", "checkpoints"), ("POST", "rewind")):
        body = {"json": {"to": 1} if rest == "rewind" else {}} if method == "POST" else {}
        response = await client.request(method, f"/sessions/nobodys/{rest}", **body)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "session_not_found")
