"""The same conversation, over HTTP, against each durable store: the server is killed, started again, and goes on."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from sessionful.stores.dynamodb.table import create_table
from tests.contracts.databases import new_mysql, new_postgres, new_sqlite, with_mysql, with_postgres
from tests.contracts.dynamodb import endpoint_client, moto_client, with_endpoint
from tests.e2e.serving import Serving
from tests.surfaces.frames import Frame, Reader, chunk_text, read

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


def answer(url: str, text: str, **headers: str) -> dict[str, Any]:
    response = say(url, text, **headers)
    assert response.status_code == 200, response.text
    record: dict[str, Any] = response.json()
    return record


def test_a_conversation_goes_on_after_a_kill(server: Serving) -> None:
    assert httpx.post(f"{server.url}/agents/assistant/sessions", json={"session_id": "s1"}).status_code == 201
    assert answer(server.url, "one")["response"] == "You said: one (1 messages in view)"
    server.kill()
    server.start()
    assert answer(server.url, "two")["response"] == "You said: two (3 messages in view)"
    history = httpx.get(f"{server.url}/agents/assistant/sessions/s1/messages").json()["messages"]
    assert [m["text"] for m in history] == [
        "one",
        "You said: one (1 messages in view)",
        "two",
        "You said: two (3 messages in view)",
    ]


def test_a_retry_after_a_kill_attaches_to_the_turn_that_was_made(server: Serving) -> None:
    httpx.post(f"{server.url}/agents/assistant/sessions", json={"session_id": "s1"})
    first = answer(server.url, "pay", **{"Idempotency-Key": "k1"})
    server.kill()
    server.start()
    again = answer(server.url, "pay", **{"Idempotency-Key": "k1"})
    assert again == first
    conflict = say(server.url, "pay more", **{"Idempotency-Key": "k1"})
    assert conflict.status_code == 409
    assert conflict.json()["error"]["code"] == "idempotency_conflict"


TEXT = " ".join(f"w{number}" for number in range(120))
PATH = "/agents/assistant/sessions/s1/messages"


@contextlib.contextmanager
def slow_server(folder: Path, alarms: str) -> Iterator[Serving]:
    config = folder / "config.yaml"
    config.write_text(CONFIG % TEXT)
    environment = {"SESSIONFUL_STORE": new_sqlite(), "SESSIONFUL_ALARMS": alarms}
    serving = Serving(folder, environment, "--config", str(config))
    serving.start()
    try:
        httpx.post(f"{serving.url}/agents/assistant/sessions", json={"session_id": "s1"})
        yield serving
    finally:
        serving.kill()


def read_some(server: Serving) -> list[Frame]:
    """Of a turn that goes on when this reader has left."""
    with httpx.stream("POST", f"{server.url}{PATH}/stream", json={"message": "go"}, timeout=30) as stream:
        reader = Reader()
        frames = (frame for line in stream.iter_lines() if (frame := reader.line(line)) is not None)
        heard = [next(frames) for _ in range(10)]
        assert server.stop() == 0
        with contextlib.suppress(httpx.RemoteProtocolError):  # cut off where the turn was given out of hand
            heard.extend(frame for frame in frames if frame.data != "[DONE]")
    return heard


def test_a_graceful_stop_gives_its_turn_out_of_hand(tmp_path: Path) -> None:
    with slow_server(tmp_path, str(tmp_path / "alarms.db")) as server:
        heard = read_some(server)
        assert 0 < len(chunk_text(heard)) < len(TEXT)
        server.start()
        headers = {"Last-Event-ID": heard[-1].id}
        rest = httpx.get(f"{server.url}{PATH}/stream", headers=headers, timeout=30).text
        assert chunk_text([*heard, *read(rest)]) == TEXT
        history = httpx.get(f"{server.url}{PATH}").json()["messages"]
        assert [(m["text"], m["status"]) for m in history] == [("go", "completed"), (TEXT, "completed")]


def test_a_graceful_stop_settles_its_turn_where_nobody_could_go_on(tmp_path: Path) -> None:
    with slow_server(tmp_path, "none") as server:
        text = chunk_text(frame for frame in read_some(server) if frame.event != "error")
        server.start()
        history = httpx.get(f"{server.url}{PATH}").json()["messages"]
        assert [(m["text"], m["status"]) for m in history] == [("go", "interrupted"), (text, "interrupted")]
        assert TEXT.startswith(text) and text


def test_whoever_waits_for_an_answer_when_the_server_stops_is_told_where_it_will_be(tmp_path: Path) -> None:
    with slow_server(tmp_path, str(tmp_path / "alarms.db")) as server, ThreadPoolExecutor(1) as other:
        waiting = other.submit(say, server.url, "go")
        while httpx.get(f"{server.url}{PATH}").json()["messages"] == []:
            time.sleep(0.05)
        assert server.stop() == 0
        told = waiting.result()
        assert told.status_code == 202, told.text
        server.start()
        assert httpx.get(f"{server.url}{told.headers['Location']}").json()["turn_id"] == told.json()["turn_id"]
