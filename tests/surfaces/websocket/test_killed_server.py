"""A server is killed in the middle of a turn; the client goes on with another one over the same store."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.contracts.databases import new_sqlite
from tests.e2e.serving import Serving
from tests.surfaces.websocket.sockets import Talk, Told, text

CONFIG = """
llms:
  main: {type: scripted, delay_ms: 20, replies: [%s]}
agents:
  assistant: {llm: main}
"""
WORDS = " ".join(f"word{number}" for number in range(150))


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Serving, Serving]]:
    (tmp_path / "agents.yaml").write_text(CONFIG % json.dumps(WORDS))
    both = (
        Serving(tmp_path, environment := {"SESSIONFUL_STORE": new_sqlite()}, "--config", "agents.yaml"),
        Serving(tmp_path, environment, "--config", "agents.yaml"),
    )
    for server in both:
        server.start()
    yield both
    for server in both:
        server.kill()


def path(server: Serving) -> str:
    return f"{server.url.replace('http', 'ws')}/agents/assistant/stream"


async def test_the_turn_goes_on_where_the_client_was(servers: tuple[Serving, Serving]) -> None:
    first, second = servers
    heard = list[Told]()
    async with connect(path(first), proxy=None) as connection:
        talk = Talk(connection)
        await talk.say(message="Hi", session_id="s1")
        while len(heard) < 30:
            heard.append(await talk.next())
        await asyncio.to_thread(first.kill)
        with pytest.raises(ConnectionClosed):
            while True:
                heard.append(await talk.next())
    async with connect(path(second), proxy=None) as connection:
        talk = Talk(connection)
        await talk.say(resume={"session_id": "s1", "after": heard[-1]["id"]})
        while not heard[-1].get("done"):
            async with asyncio.timeout(50):
                heard.append(json.loads(await connection.recv()))
    assert any("superseded" in told for told in heard)
    assert text(heard) == WORDS and heard[-1]["status"] == "completed"
