"""The door `messages`, invoked with the events of an HTTP API."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.models.scripted import ScriptedModel
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.functions.cloud import Cloud
from tests.functions.doors import Door, door
from tests.functions.events import http_event

STREAM_URL = "https://abcdefghijklmnop.lambda-url.eu-central-1.on.aws"
AGENTS = """
auth: {issuer: "https://issuer.example", audience: app, claim: username}
llms:
  words: {type: scripted, replies: ["Hello from a function"]}
  slow: {type: scripted, replies: ["one two three four five six seven eight nine ten"], delay_ms: 400}
agents:
  assistant: {llm: words}
  thinker: {llm: slow}
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return Cloud(tmp_path_factory.mktemp("cloud"), AGENTS)


@pytest.fixture(scope="module")
def messages(cloud: Cloud) -> Iterator[Door]:
    environment = {"SESSIONFUL_AUTH": "jwt", "SESSIONFUL_STREAM_URL": f"{STREAM_URL}/"}
    with door("messages", {**cloud.environment, **environment}) as opened:
        yield opened


def call(messages: Door, method: str, path: str, body: Any = None, seconds: float = 60.0, **more: Any) -> Any:
    return messages.ask(http_event(method, path, body, **{"claims": {"username": "alice"}, **more}), seconds)


def test_a_first_message_makes_its_session_and_the_next_goes_on_in_it(messages: Door) -> None:
    first = call(messages, "POST", "/agents/assistant/messages", {"message": "Hi"})
    assert (first.status, first.json["response"]) == (200, "Hello from a function")
    session = first.headers["x-session-id"]
    second = call(messages, "POST", f"/sessions/{session}/message", {"agent_id": "assistant", "message": "Again"})
    assert (second.status, second.json["session_id"], second.json["steps"]) == (200, session, 1)
    record = call(messages, "GET", f"/agents/assistant/sessions/{session}/turns/{first.json['turn_id']}")
    assert (record.json["status"], record.json["message"]["parts"][0]["text"]) == ("completed", "Hi")


def test_a_task_is_run_once_whatever_comes_twice(messages: Door) -> None:
    session = call(messages, "POST", "/agents/assistant/messages", {"message": "Hi"}).json["session_id"]
    task = {"taskId": "t 1", "input": {"type": "text", "content": "Do 日本"}}
    path = f"/agents/assistant/sessions/{session}/tasks"
    done, again = call(messages, "POST", path, task, binary=True), call(messages, "POST", path, task)
    assert (done.status, done.json["status"]) == (200, "completed")
    assert again.json["metadata"]["turn_id"] == done.json["metadata"]["turn_id"]
    assert call(messages, "GET", f"{path}/t 1").json["output"]["content"] == "Hello from a function"


def test_whose_it_is_stands_in_the_claim_that_the_configuration_names(messages: Door) -> None:
    made = call(messages, "POST", "/agents/assistant/messages", {"message": "Hi"}).json
    path = f"/agents/assistant/sessions/{made['session_id']}/turns/{made['turn_id']}"
    assert call(messages, "GET", path, claims={"username": "alice", "sub": "1"}).status == 200
    assert call(messages, "GET", path, claims={"username": "bob", "sub": "alice"}).status == 404
    for claims in ({"sub": "alice"}, {"username": ""}, None):
        assert call(messages, "GET", path, claims=claims).json["error"]["code"] == "unauthenticated"
    assert call(messages, "GET", path, claims=None, user_id="alice").status == 401


def test_a_turn_that_cannot_end_in_time_is_handed_over_and_the_client_told_where_it_is(
    messages: Door, cloud: Cloud
) -> None:
    begun = time.monotonic()
    told = call(messages, "POST", "/agents/thinker/messages", {"message": "Think"}, seconds=3.0)
    assert time.monotonic() - begun < 3.0
    assert (told.status, told.json["status"]) == (202, "running")
    wake = {"owner": "alice", "agent": "thinker", "session": told.json["session_id"], "turn": told.json["turn_id"]}
    assert wake in cloud.alarms()
    record = call(messages, "GET", told.headers["location"])
    assert (record.json["status"], record.json["steps"]) == ("running", 0)


def test_a_turn_that_nobody_waits_for_goes_to_a_worker_at_once(messages: Door, cloud: Cloud) -> None:
    later = {"prefer": "respond-async"}
    told = call(messages, "POST", "/agents/thinker/messages", {"message": "Later"}, headers=later)
    assert (told.status, told.headers["preference-applied"]) == (202, "respond-async")
    assert told.json["turn_id"] in [wake["turn"] for wake in cloud.alarms()]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stream_is_asked_for_at_the_stream_url(messages: Door, method: str) -> None:
    path = "/agents/assistant/sessions/naïve 100%/messages/stream"
    sent = call(messages, method, path, {"message": "Hi"}, query="after=t1.1.2&debug=true")
    assert sent.status == 307
    assert sent.headers["location"] == (
        f"{STREAM_URL}/agents/assistant/sessions/na%C3%AFve%20100%25/messages/stream?after=t1.1.2&debug=true"
    )
    assert call(messages, method, path, claims=None).status == 401


def test_every_stream_of_the_whole_application_is_known_here(messages: Door) -> None:
    app = create_app(Service([Agent("assistant", ScriptedModel(), InMemoryLog())]))
    streams = [path for path in app.openapi()["paths"] if path.endswith("/stream")]
    assert len(streams) == 5
    for path in streams:
        given = path.replace("{agent}", "assistant").replace("{session_id}", "s1")
        assert call(messages, "POST", given, {"message": "Hi"}).headers["location"] == f"{STREAM_URL}{given}"


def test_it_loads_no_server_and_no_streams_and_an_adapter_only_when_it_is_asked(messages: Door) -> None:
    call(messages, "GET", "/sessions/s1/turns")
    assert not messages.modules & {
        "uvicorn",
        "jwt",
        "sqlalchemy",
        "sessionful.surfaces.sse",
        "sessionful.models.openai",
    }


def test_without_a_stream_url_a_client_is_told_so(tmp_path: Path) -> None:
    with door("messages", Cloud(tmp_path).environment) as messages:
        refused = messages.ask(http_event("POST", "/sessions/s1/message/stream", {"message": "Hi"}))
        assert (refused.status, refused.json["error"]["code"]) == (500, "invalid_config")
        assert "SESSIONFUL_STREAM_URL" in refused.json["error"]["message"]
        assert not messages.modules & {"httpx"}
        first = messages.ask(http_event("POST", "/agents/assistant/messages", {"message": "Hi"}))
        assert first.json["response"] == "Hello from a function"
