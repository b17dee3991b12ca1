"""Tasks: the older A2A form of a turn."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sessionful.domain.error import ModelError
from tests.surfaces.house import Gate, an_app, asked_until, client_of

PATH = "/sessions/s1/tasks"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app()) as client:
        await client.post("/sessions", json={"id": "s1"})
        yield client


def task(content: Any, media_type: str = "text/plain", **fields: Any) -> dict[str, Any]:
    return {"input": {"type": media_type, "content": content}, **fields}


async def test_a_task_is_answered_in_its_own_form(client: httpx.AsyncClient) -> None:
    done = (await client.post(PATH, json=task("What are AI agents?", taskId="task-123"))).json()
    assert done.keys() == {"taskId", "status", "output", "metadata", "startedAt", "endedAt"}
    assert (done["taskId"], done["status"]) == ("task-123", "completed")
    assert done["output"] == {"type": "text/plain", "content": "You said: What are AI agents? (1 messages in view)"}
    assert done["metadata"]["tokens_used"] > 0 and done["endedAt"] >= done["startedAt"]
    assert (await client.get(f"{PATH}/task-123")).json() == done
    by_turn = (await client.get(f"{PATH}/{done['metadata']['turn_id']}")).json()
    assert {**by_turn, "taskId": "task-123"} == done


async def test_a_task_without_an_id_gets_its_turns(client: httpx.AsyncClient) -> None:
    done = (await client.post(PATH, json=task("Hi"))).json()
    assert done["taskId"] == done["metadata"]["turn_id"]
    assert (await client.get(f"{PATH}/{done['taskId']}")).json() == done


async def test_the_same_task_never_runs_twice(client: httpx.AsyncClient) -> None:
    first = (await client.post(PATH, json=task("Hi", taskId="t1"))).json()
    assert (await client.post(PATH, json=task("Hi", taskId="t1"), headers={"idempotency-key": "k"})).json() == first
    assert (await client.post(PATH, json=task("Bye", taskId="t1"))).status_code == 409
    by_key = [(await client.post(PATH, json=task("Hi"), headers={"idempotency-key": "k"})).json() for _ in range(2)]
    assert by_key[0] == by_key[1] != first


@pytest.mark.parametrize(
    ("content", "media_type", "heard"),
    [
        ("Hi", "text/plain", "Hi"),
        ({"text": "Hi"}, "text/plain", "Hi"),
        ("# Hi", "text/markdown", "# Hi"),
        ({"a": [1, "é"]}, "application/json", '{"a": [1, "é"]}'),
        ({"a": 1}, "text/plain", '{"a": 1}'),
    ],
)
async def test_what_a_task_is_given_is_read_by_its_type(
    client: httpx.AsyncClient, content: Any, media_type: str, heard: str
) -> None:
    done = (await client.post(PATH, json=task(content, media_type))).json()
    assert done["output"]["content"] == f"You said: {heard} (1 messages in view)"


async def test_an_image_is_an_input_too(client: httpx.AsyncClient) -> None:
    assert (await client.post(PATH, json=task("iVBORw0KGgo=", "image/png"))).status_code == 200
    kept = (await client.get("/sessions/s1/messages")).json()["messages"][0]["parts"][0]
    assert (kept["type"], kept["media_type"]) == ("image", "image/png")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input"),
        ({"input": {}}, "input.content"),
        (task(""), "message"),
        (task("x", "video/mp4"), "input.type"),
        (task("x", context={"sessionId": "another"}), "context.sessionId"),
        (task("x", parameter={}), "parameter"),
    ],
)
async def test_a_task_that_cannot_be_done_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await client.post(PATH, json=body)
    assert (response.status_code, response.json()["error"]["details"]["field"]) == (400, field)


async def test_what_a_client_tells_of_its_context_is_welcome(client: httpx.AsyncClient) -> None:
    context = {"sessionId": "s1", "userId": "john", "metadata": {"a": 1}}
    assert (await client.post(PATH, json=task("Hi", context=context))).status_code == 200


async def test_a_task_that_takes_longer_is_promised() -> None:
    gate = Gate("Hello")
    async with client_of(an_app(gate)) as client:
        await client.post("/sessions", json={"id": "s1"})
        response = await client.post(PATH, json=task("Hi", taskId="a task"), headers={"prefer": "respond-async"})
        running = response.json()
        assert (response.status_code, running["status"], running["output"]) == (202, "running", None)
        assert response.headers["location"] == f"{PATH}/a%20task"
        gate.let()
        done = await asked_until(client, response.headers["location"], "running")
        assert (done["taskId"], done["output"]["content"]) == ("a task", "Hello")


async def test_a_failed_task_is_answered_with_its_error() -> None:
    async with client_of(an_app(ModelError("no sense"))) as client:
        await client.post("/sessions", json={"id": "s1"})
        response = await client.post(PATH, json=task("Hi"))
        assert (response.status_code, response.json()["status"]) == (200, "failed")
        assert response.json()["error"]["code"] == "model_error"
        assert (await client.get(f"{PATH}/unknown")).json()["error"]["code"] == "turn_not_found"
