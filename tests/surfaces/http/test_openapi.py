"""The description of the API is valid, and true: what is answered is declared."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import a_service, client_of

REMEMBERS = {"memory": {"longterm": {"storage_scope": "session"}}}
APP = create_app(a_service("Hello."))
DESCRIPTION: dict[str, Any] = APP.openapi()
OPERATIONS = [
    (method.upper(), path, operation)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]
MESSAGE, SESSION, TASK = {"message": "Hi"}, {"title": "x"}, {"input": {"content": "Hi"}}
BODIES: dict[str, dict[str, Any]] = {
    "messages": MESSAGE,
    "message": MESSAGE,
    "stream": MESSAGE,
    "tasks": TASK,
    "fork": {},
    "checkpoints": {"name": "here"},
    "rewind": {"to": 1},
    "memories": {"text": "Ann lives in Oslo."},
    "{memory_id}": {"text": "Ann lives in Rome."},
    "import": {"messages": [{"role": "user", "content": "Hi"}]},
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    service = a_service("Hello.", bank=InMemoryBank(), **REMEMBERS)
    async with client_of(create_app(service, body_limit=500)) as client:
        yield client


def test_the_description_is_valid() -> None:
    validate(DESCRIPTION)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_everything_that_is_answered_has_a_schema(method: str, path: str, operation: dict[str, Any]) -> None:
    declared = operation.get("parameters", [])
    in_path = [parameter["name"] for parameter in declared if parameter["in"] == "path"]
    assert sorted(in_path) == sorted(re.findall(r"{(\w+)}", path))
    assert len({(parameter["in"], parameter["name"]) for parameter in declared}) == len(declared)
    for status, response in operation["responses"].items():
        if status == "204":
            assert "content" not in response
            continue
        ((media_type, content),) = response["content"].items()
        streams = path.endswith("/stream") and status == "200"
        expected = (
            "text/event-stream" if streams else "text/html" if path == "/" and status == "200" else "application/json"
        )
        assert media_type == expected and content["schema"]
        if not status.startswith("2"):
            assert content["schema"]["$ref"].endswith("/ErrorBody")


def path_of(path: str, **names: str) -> str:
    known = {"agent": "assistant", "session_id": "s1", "turn_id": "k1", "task_id": "k1", "memory_id": "none", **names}
    return re.sub(r"{(\w+)}", lambda name: known[name[1]], path)


def requests_to(method: str, path: str, memory_id: str) -> list[tuple[str, dict[str, Any]]]:
    """A good call, and the bad ones that the operation invites."""
    body = BODIES.get(path.rsplit("/", 1)[-1], SESSION)
    reads = method in ("POST", "PUT", "PATCH")
    good = path_of(path, memory_id=memory_id) + (
        "?session_id=s1&after=1.1.0" if method == "GET" and path.endswith("/stream") else ""
    )
    calls: list[tuple[str, dict[str, Any]]] = [
        (good, {"json": body} if reads else {}),
        (good, {"headers": {"prefer": "respond-async"}, "json": body} if reads else {}),
        (
            path_of(path, agent="nobody", session_id="none", turn_id="none", task_id="none"),
            {"json": body} if reads else {},
        ),
        (
            path_of(path, session_id="ended") + ("?after=x" if path.endswith("/stream") else ""),
            {"json": body} if reads else {},
        ),
        (path_of(path) + "?limit=0&after=x&events=some&agent_id=a&agentId=b", {}),
        (good, {"headers": {"origin": "https://evil.example"}}),
    ]
    if reads:
        calls += [
            (path_of(path), {"content": b"{"}),
            (path_of(path), {"content": b"[" + b" " * 1000 + b"]"}),
            (path_of(path), {"json": {"id": "taken", "session_id": "taken"}}),
            (path_of(path), {"json": body, "headers": {"if-match": '"999"', "idempotency-key": "k1"}}),
        ]
    return calls


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
async def test_every_status_that_is_returned_is_declared_and_its_body_fits(
    client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    for session_id in ("s1", "ended", "taken"):
        await client.post("/sessions", json={"id": session_id})
    await client.post("/sessions/ended/end")
    await client.post("/sessions/s1/messages", json=MESSAGE, headers={"idempotency-key": "k1"})
    memory = (await client.post("/sessions/s1/memories", json={"text": "Ann lives in Bonn."})).json()
    seen = set()
    for url, arguments in requests_to(method, path, memory["id"]):
        response = await client.request(method, url, **arguments)
        status = str(response.status_code)
        seen.add(status)
        assert status in operation["responses"], (url, arguments, response.text)
        content = operation["responses"][status].get("content", {})
        media_type = response.headers.get("content-type", "").split(";")[0]
        assert list(content) == ([media_type] if status != "204" else [])
        if media_type == "application/json":
            schema = {**content["application/json"]["schema"], "components": DESCRIPTION["components"]}
            jsonschema.validate(response.json(), schema)
    assert any(status < "300" for status in seen), seen
    if method not in ("GET",):
        assert "403" in seen


async def test_the_description_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == DESCRIPTION


def test_every_route_is_there_in_both_trees() -> None:
    declared = {(method, path) for method, path, _ in OPERATIONS}
    for tree in ("/sessions", "/agents/{agent}/sessions"):
        for method, rest in (
            ("POST", ""),
            ("GET", ""),
            ("POST", "/import"),
            ("GET", "/{session_id}"),
            ("PUT", "/{session_id}"),
            ("PATCH", "/{session_id}"),
            ("DELETE", "/{session_id}"),
            ("POST", "/{session_id}/end"),
            ("POST", "/{session_id}/fork"),
            ("POST", "/{session_id}/checkpoints"),
            ("GET", "/{session_id}/checkpoints"),
            ("POST", "/{session_id}/rewind"),
            ("GET", "/{session_id}/memories"),
            ("POST", "/{session_id}/memories"),
            ("GET", "/{session_id}/memories/{memory_id}"),
            ("PUT", "/{session_id}/memories/{memory_id}"),
            ("PATCH", "/{session_id}/memories/{memory_id}"),
            ("DELETE", "/{session_id}/memories/{memory_id}"),
            ("GET", "/{session_id}/export"),
            ("GET", "/{session_id}/messages"),
            ("POST", "/{session_id}/messages"),
            ("POST", "/{session_id}/messages/stream"),
            ("GET", "/{session_id}/messages/stream"),
            ("POST", "/{session_id}/message"),
            ("POST", "/{session_id}/message/stream"),
            ("GET", "/{session_id}/message/stream"),
            ("POST", "/{session_id}/tasks"),
            ("GET", "/{session_id}/tasks/{task_id}"),
            ("GET", "/{session_id}/turns/{turn_id}"),
            ("GET", "/{session_id}/turns"),
            ("DELETE", "/{session_id}/turns/{turn_id}"),
            ("POST", "/{session_id}/turns/{turn_id}/cancel"),
        ):
            assert (method, tree + rest) in declared
    for method, path in (("POST", "/agents/{agent}/messages"), ("POST", "/agents/{agent}/messages/stream")):
        assert (method, path) in declared
