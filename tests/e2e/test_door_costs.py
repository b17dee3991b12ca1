"""What one plain message costs by each way, with all that the doors and the worker ask for: counted on the wire."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.asyncio.client import connect

from tests.e2e.deployment import Deployment, deployment
from tests.functions.events import ALICE
from tests.functions.stream_door import adapters_headers
from tests.functions.websocket_house import told, until
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.surfaces.frames import chunk_text, read

AGENTS = """
llms: {words: {type: scripted, delay_ms: 5, replies: ["one two three four five six seven eight nine ten"]}}
agents: {assistant: {llm: words}}
"""
MESSAGES = "/agents/assistant/sessions/s1/messages"
HELLO = {"message": "A plain message, as long as most of them tend to be."}


class Cost(NamedTuple):
    """`workers` are invocations of the worker; `requests` go to DynamoDB, whose units are `written` and `read`."""

    workers: int
    requests: int
    written: int
    read: float
    sends: int


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[Deployment]:
    """In the middle of a session, with every door warm."""
    async with deployment("moto", tmp_path, AGENTS) as opened:
        opened.queue.spoil = _later_is_after_the_test
        opened.http("POST", "/agents/assistant/sessions", {"session_id": "s1"})
        opened.http("POST", MESSAGES, HELLO)
        await _streamed(opened)
        await _in_the_background(opened)
        yield opened


def _later_is_after_the_test(operation: str, request: Json, forward: Forward) -> Answer:
    """An alarm for a turn that may lose its holder is sent, and would not ring before all is over."""
    if not request.get("DelaySeconds"):
        return forward()
    return Answer(200, [("Content-Type", "application/x-amz-json-1.0")], b'{"MessageId": "later"}')


async def test_each_way_costs_what_the_table_in_the_readme_says(deployed: Deployment) -> None:
    deployed.reset()
    assert deployed.http("POST", MESSAGES, HELLO).status == 200
    assert _cost(deployed) == Cost(workers=0, requests=3, written=5, read=1, sends=1)

    deployed.reset()
    await _streamed(deployed)
    assert _cost(deployed) == Cost(workers=0, requests=3, written=5, read=1, sends=1)

    deployed.reset()
    await _in_the_background(deployed)
    cost = _cost(deployed)
    assert cost == Cost(workers=1, requests=cost.requests, written=7, read=cost.read, sends=2)
    assert cost.requests <= 11 and cost.read <= 8, "one look less where the worker is quicker than the door's answer"

    async with connect(f"{deployed.house.gateway.url}?agent=assistant") as socket:
        deployed.reset()
        await socket.send(json.dumps({**HELLO, "session_id": "s1"}))
        await told(socket)
        await until(deployed.house.idle)
        assert _cost(deployed) == Cost(workers=1, requests=15, written=10, read=8, sends=4)
        assert 3 <= len(deployed.house.gateway.posts) <= 12, "the start, the words, the end"


async def _streamed(deployed: Deployment) -> None:
    async with deployed.stream.client() as client:
        headers = adapters_headers(user_id=ALICE)
        answer = await client.post(f"{MESSAGES}/stream", json=HELLO, headers=headers)
        assert chunk_text(read(answer.content)).endswith("nine ten")


async def _in_the_background(deployed: Deployment) -> None:
    later = deployed.http("POST", MESSAGES, HELLO, headers={"prefer": "respond-async"})
    assert later.status == 202
    turn = later.json["turn_id"]
    await until(lambda: turn in [wake["turn"] for wake in deployed.house.heard] and deployed.house.idle())


def _cost(deployed: Deployment) -> Cost:
    meter = deployed.table.meter
    sends = deployed.queue.operations.count("SendMessage")
    return Cost(len(deployed.house.heard), len(meter.requests), meter.writes, meter.reads, sends)
