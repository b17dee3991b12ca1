"""The same conversation, over HTTP, against each durable store: the server is killed, started again, and goes on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from sessionful.stores.dynamodb.table import create_table
from tests.contracts.databases import new_mysql, new_postgres, new_sqlite, with_mysql, with_postgres
from tests.contracts.dynamodb import endpoint_client, moto_client, with_endpoint
from tests.e2e.serving import Serving

CONFIG = """
llms:
  main: {type: scripted, delay_ms: 20, replies: [%s]}
agents:
  assistant: {llm: main}
"""

STORES = ["sqlite", "dynamodb"]
STORES += ["postgres"] * with_postgres() + ["mysql"] * with_mysql() + ["dynamodb_local"] * with_endpoint()


def address(store: str) -> str:
    makers = {"sqlite": new_sqlite, "postgres": new_postgres, "mysql": new_mysql}
    if store in makers:
        return makers[store]()
    client = moto_client() if store == "dynamodb" else endpoint_client()
    table = f"sessions-{uuid4().hex}"
    asyncio.run(asyncio.to_thread(create_table, client, table))
    query = urlencode({"region": "eu-central-1", "endpoint_url": client.meta.endpoint_url})
    return f"dynamodb:{table}?{query}"


@pytest.fixture(params=STORES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    environment = {
        "SESSIONFUL_STORE": address(request.param),
        "SESSIONFUL_MODEL": "scripted",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    serving = Serving(tmp_path, environment)
    serving.start()
    yield serving
    serving.kill()


def say(url: str, text: str, **headers: str) -> httpx.Response:
    path = f"{url}/agents/assistant/sessions/s1/messages"
    return httpx.post(path, json={"message": text}, headers=headers, timeout=30)


def test_a_conversation_goes_on_after_a_kill(server: Serving) -> None:
    assert httpx.post(f"{server.url}/agents/assistant/sessions", json={"session_id": "s1"}).status_code == 201
    assert say(server.url, "one").json()["response"] == "You said: one (1 messages in view)"
    server.kill()
    server.start()
    assert say(server.url, "two").json()["response"] == "You said: two (3 messages in view)"
    history = httpx.get(f"{server.url}/agents/assistant/sessions/s1/messages").json()["messages"]
    assert [m["text"] for m in history] == [
        "one",
        "You said: one (1 messages in view)",
        "two",
        "You said: two (3 messages in view)",
    ]


def test_a_retry_after_a_kill_attaches_to_the_turn_that_was_made(server: Serving) -> None:
    httpx.post(f"{server.url}/agents/assistant/sessions", json={"session_id": "s1"})
    first = say(server.url, "pay", **{"Idempotency-Key": "k1"}).json()
    server.kill()
    server.start()
    again = say(server.url, "pay", **{"Idempotency-Key": "k1"}).json()
    assert again == first
    conflict = say(server.url, "pay more", **{"Idempotency-Key": "k1"})
    assert conflict.status_code == 409
    assert conflict.json()["error"]["code"] == "idempotency_conflict"


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[Serving]:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG % ("word " * 500))
    serving = Serving(tmp_path, {"SESSIONFUL_STORE": new_sqlite()}, "--config", str(config))
    serving.start()
    yield serving
    serving.kill()


def test_a_graceful_stop_settles_the_turn_that_runs(slow_server: Serving) -> None:
    server = slow_server
    httpx.post(f"{server.url}/agents/assistant/sessions", json={"session_id": "s1"})
    path = f"{server.url}/agents/assistant/sessions/s1/messages/stream"
    with httpx.stream("POST", path, json={"message": "go"}, timeout=30) as stream:
        lines = stream.iter_lines()
        assert sum('"chunk"' in next(lines) for _ in range(20)) > 3
        assert server.stop() == 0
    server.start()
    history = httpx.get(f"{server.url}/agents/assistant/sessions/s1/messages").json()["messages"]
    assert [(m["role"], m["status"]) for m in history] == [("user", "interrupted"), ("assistant", "interrupted")]
    assert history[1]["text"].startswith("word word")
