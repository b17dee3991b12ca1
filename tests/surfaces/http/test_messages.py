"""Messages with whole answers: their shapes, their failures, how long they are waited for, and that none runs twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from sessionful.domain.error import ModelError, ModelUnavailable, RateLimited, TurnTimeout
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import CODER, TOOLS, Gate, a_service, an_app, asked_until, client_of

PATH = "/agents/assistant/sessions/s1/messages"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app()) as client:
        await client.post("/sessions", json={"id": "s1"})
        yield client


async def test_an_answer_has_its_turn_its_text_and_its_usage(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"message": "Hi"})
    answer = response.json()
    assert answer.keys() == {"session_id", "turn_id", "response", "tool_calls", "usage", "steps", "agent"}
    assert (answer["response"], answer["steps"], answer["agent"]) == (
        "You said: Hi (1 messages in view)",
        1,
        "assistant",
    )
    assert answer["tool_calls"] == [] and answer["usage"]["output_tokens"] == 7
    assert response.headers["x-turn-id"] == answer["turn_id"]
    record = (await client.get(f"/sessions/s1/turns/{answer['turn_id']}")).json()
    assert record.items() >= {**answer, "status": "completed", "error": None}.items()
    assert record["message"]["parts"] == [{"type": "text", "text": "Hi"}]


async def test_the_other_form_has_exactly_its_own_fields(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/sessions/s1/message", json={"agent_id": "assistant", "message": "Hi"})).json()
    assert answer.keys() == {"response", "tool_calls", "usage", "steps", "turn_id", "session_id"}
    assert answer["usage"] == {"input_tokens": 1, "output_tokens": 7}


async def test_tool_calls_come_with_their_results() -> None:
    async with client_of(create_app(a_service(*CODER, tools=TOOLS))) as client:
        answer = (await client.post("/agents/assistant/messages", json={"message": "Go"})).json()
    assert answer["steps"] == 3
    assert answer["tool_calls"][1] == {
        "id": "c2",
        "name": "execute_command",
        "arguments": {"command": "python hello.py"},
        "result": "Hello",
        "is_error": False,
    }


@pytest.mark.parametrize(
    "message",
    [
        "Hi",
        {"role": "user", "content": "Hi"},
        {"role": "ROLE_USER", "content": [{"text": "Hi"}]},
        {"content": [{"type": "text", "text": "Hi"}]},
        {"role": "user", "parts": [{"type": "text", "text": "H"}, {"text": "i"}]},
        ["Hi"],
        {"text": "Hi"},
    ],
)
async def test_a_message_may_be_written_in_many_ways(client: httpx.AsyncClient, message: object) -> None:
    answer = (await client.post(PATH, json={"message": message})).json()
    assert answer["response"] == "You said: Hi (1 messages in view)"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": " \n"}, "message"),
        ({"message": []}, "message"),
        ({"message": None}, "message.content[0]"),
        ({"message": 7}, "message.content[0]"),
        ({"message": {"role": "assistant", "content": "x"}}, "message.role"),
        ({"message": {"role": "user", "content": [{"type": "audio"}]}}, "message.parts.0"),
        ({"message": {"role": "user", "content": [{"type": "tool_result", "call_id": "c", "content": "x"}]}}, None),
        ({"message": {"role": "user", "content": "x", "rule": 1}}, "message.rule"),
        ({"mesage": "Hi"}, None),
        ({"message": "Hi", "session_id": "another"}, "session_id"),
        ({"message": "Hi", "request_id": "a\nb"}, "Idempotency-Key"),
    ],
)
async def test_a_message_that_says_nothing_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str | None
) -> None:
    response = await client.post(PATH, json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "invalid_request"), error
    assert field is None or error["details"]["field"] == field
    assert (await client.get(PATH)).json()["messages"] == []


async def test_an_image_reaches_the_session(client: httpx.AsyncClient) -> None:
    picture = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    content = [{"text": "What is it?"}, picture]
    assert (await client.post(PATH, json={"message": {"role": "user", "content": content}})).status_code == 200
    kept = (await client.get(PATH)).json()["messages"][0]
    assert kept["parts"][1].items() >= picture.items() and kept["text"] == "What is it?"


async def test_a_message_without_a_session_opens_one(client: httpx.AsyncClient) -> None:
    response = await client.post("/agents/assistant/messages", json={"message": "Hi"})
    session_id = response.headers["x-session-id"]
    assert response.json()["session_id"] == session_id != "s1"
    assert (await client.get(f"/sessions/{session_id}")).json()["message_count"] == 2
    named = {"message": "Hi", "session_id": "by name"}
    for count in (1, 3):
        answer = (await client.post("/agents/assistant/messages", json=named)).json()
        assert answer["response"] == f"You said: Hi ({count} messages in view)"


@pytest.mark.parametrize("session_id", [" séance 🙂 100% ", "user:42", "../x?y#z&a=b", "日本"[:2] * 128])
async def test_any_printable_id_is_a_sessions(client: httpx.AsyncClient, session_id: str) -> None:
    body = {"message": "Hi", "session_id": session_id}
    if "/" in session_id:
        assert (await client.post("/agents/assistant/messages", json=body)).status_code == 400
        return
    for path in ("/agents/assistant/messages", "/agents/assistant/messages/stream"):
        response = await client.post(path, json=body)
        assert response.status_code == 200
        assert unquote(response.headers["x-session-id"]) == session_id
    got = await client.get(f"/sessions/{quote(session_id, safe='')}")
    assert (got.json()["id"], got.json()["message_count"]) == (session_id, 4)
    assert (await client.get("/sessions")).json()["sessions"][0]["id"] == session_id


@pytest.mark.parametrize("path", [PATH, "/sessions/s1/message", "/agents/assistant/messages"])
async def test_the_same_key_never_runs_a_turn_twice(client: httpx.AsyncClient, path: str) -> None:
    body, key = {"message": "Hi"}, {"idempotency-key": "k1"}
    first, second, third = await asyncio.gather(
        client.post(path, json=body, headers=key),
        client.post(path, json={"message": {"role": "user", "content": "Hi"}}, headers=key),
        client.post(path, json={**body, "request_id": "k1"}),
    )
    assert first.json() == second.json() == third.json()
    session = first.json()["session_id"]
    assert (await client.get(f"/sessions/{session}")).json()["message_count"] == 2
    other = await client.post(path, json={"message": "Bye"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    unequal = await client.post(path, json={**body, "request_id": "k2"}, headers=key)
    assert (unequal.status_code, unequal.json()["error"]["code"]) == (400, "invalid_request")
    by_key = (await client.get(f"/sessions/{session}/turns/k1")).json()
    assert by_key["turn_id"] == first.json()["turn_id"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ModelError("no sense"), 502, "model_error"),
        (ModelUnavailable("no answer"), 503, "model_unavailable"),
        (RateLimited("slowly", retry_after=7), 429, "rate_limited"),
        (TurnTimeout("too long"), 504, "turn_timeout"),
        (RuntimeError("secret"), 500, "internal_error"),
    ],
)
async def test_a_failed_turn_has_the_status_of_what_ended_it(error: Exception, status: int, code: str) -> None:
    async with client_of(an_app(error)) as client:
        await client.post("/sessions", json={"id": "s1"})
        response = await client.post(PATH, json={"message": "Hi"})
        body = response.json()["error"]
        assert (response.status_code, body["code"]) == (status, code)
        assert ("retry-after" in response.headers) == (code == "rate_limited")
        assert "secret" not in response.text
        record = (await client.get(f"/sessions/s1/turns/{body['details']['turn_id']}")).json()
        assert (record["status"], record["error"]["code"]) == ("failed", code)
        history = (await client.get(PATH)).json()["messages"]
        assert (history[0]["text"], history[0]["status"]) == ("Hi", "failed")


async def test_a_turn_that_was_cancelled_is_a_conflict() -> None:
    gate = Gate("never")
    async with client_of(an_app(gate)) as client:
        await client.post("/sessions", json={"id": "s1"})
        waiting = asyncio.create_task(client.post(PATH, json={"message": "Hi"}, headers={"idempotency-key": "k"}))
        head = await asked_until(client, "/sessions/s1", "idle")
        record = (await client.post(f"/sessions/s1/turns/{head['turn_id']}/cancel")).json()
        assert record["status"] == "cancelled"
        response = await waiting
        assert (response.status_code, response.json()["error"]["code"]) == (409, "turn_cancelled")
        assert (await client.get("/sessions/s1")).json()["status"] == "idle"
        assert (await client.post("/sessions/s1/turns/none/cancel")).status_code == 404


@pytest.mark.parametrize(
    ("prefer", "applied"), [("respond-async", "respond-async"), ("respond-async, wait=0", "wait=0")]
)
async def test_who_does_not_wait_is_told_where_the_answer_will_be(prefer: str, applied: str) -> None:
    gate = Gate("Hello")
    async with client_of(an_app(gate)) as client:
        await client.post("/sessions", json={"id": "s 1"})
        path = "/agents/assistant/sessions/s%201"
        response = await client.post(f"{path}/messages", json={"message": "Hi"}, headers={"prefer": prefer})
        promise = response.json()
        assert response.status_code == 202
        assert promise == {"session_id": "s 1", "turn_id": promise["turn_id"], "status": "running"}
        assert response.headers["location"] == f"{path}/turns/{promise['turn_id']}"
        assert response.headers["preference-applied"] == applied
        assert (await client.get(response.headers["location"])).json()["status"] == "running"
        busy = await client.post(f"{path}/messages", json={"message": "Hello?"})
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "session_busy")
        gate.let()
        record = await asked_until(client, response.headers["location"], "running")
        assert (record["status"], record["response"]) == ("completed", "Hello")


async def test_a_wait_that_is_long_enough_gives_the_answer(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"message": "Hi"}, headers={"prefer": "wait=5"})
    assert (response.status_code, response.headers["preference-applied"]) == (200, "wait=5")


@pytest.mark.parametrize("prefer", ["", "wait=soon", "handling=lenient", ";;,=", "wait"])
async def test_a_preference_that_means_nothing_here_is_ignored(client: httpx.AsyncClient, prefer: str) -> None:
    response = await client.post(PATH, json={"message": "Hi"}, headers={"prefer": prefer})
    assert response.status_code == 200 and "preference-applied" not in response.headers


async def test_nobody_is_kept_waiting_longer_than_the_gateway_would() -> None:
    gate = Gate("Hello")
    async with client_of(create_app(a_service(gate), wait_limit=0.02)) as client:
        for prefer in ({}, {"prefer": "wait=60"}):
            response = await client.post("/agents/assistant/messages", json={"message": "Hi"}, headers=prefer)
            assert response.status_code == 202
        gate.let(2)
