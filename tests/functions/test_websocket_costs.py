"""What a plain message costs behind the gateway, request by request."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from tests.contracts.dynamodb import moto_client
from tests.functions.cloud import Cloud
from tests.functions.doors import door
from tests.functions.websocket_events import connect_event, frame_event
from tests.functions.websocket_house import House, doors, open_house, told, until
from tests.stores.dynamodb_relay import Relay, relay_before

AGENTS = """
llms: {words: {type: scripted, delay_ms: 10, replies: ["one two three four five six seven eight nine ten"]}}
agents: {assistant: {llm: words}}
"""
DOOR = {
    "Query": 2,  # the connection with what is told on it; the session's past
    "UpdateItem": 2,  # the turn is admitted, and left to the worker
    "PutItem": 1,  # the stream
    "SendMessage": 2,  # to the worker; and in case that this one is lost
}
WORKER = {
    "UpdateItem": 2,  # the stream is claimed, the turn taken over
    "GetItem": 3,
    "Query": 3,
    "TransactWriteItems": 1,  # the turn is settled
    "DeleteItem": 1,  # the stream ends
    "SendMessage": 2,  # in case that this worker dies: for the turn, and for the stream
}


async def test_a_plain_message_is_so_many_requests(tmp_path: Path) -> None:
    with relay_before(moto_client().meta.endpoint_url) as relay:
        cloud = Cloud(tmp_path, AGENTS, endpoint=relay.url)
        cloud.environment["SESSIONFUL_ALARMS"] = cloud.environment["SESSIONFUL_ALARMS"].replace(cloud.url, relay.url)
        with doors(cloud.environment, 1) as (websocket, workers):
            async with open_house(cloud, websocket, workers) as house, connect(house.gateway.url) as socket:
                await _say(house, socket, "a first one, which makes the session", relay)
                asked, posts = await _say(house, socket, "a plain one", relay)
        at_the_door = sum(DOOR.values())
        assert Counter(asked[:at_the_door]) == DOOR
        assert Counter(asked[at_the_door:]) == WORKER
        assert 3 <= posts <= 12, "the start, the words, the end"


async def _say(house: House, socket: Any, text: str, relay: Relay) -> tuple[list[str], int]:
    relay.heard.clear()
    house.gateway.posts.clear()
    await socket.send(json.dumps({"message": text, "session_id": "s1"}))
    await told(socket)
    await until(house.idle)
    return [heard.operation for heard in relay.heard], len(house.gateway.posts)


def test_the_door_loads_no_model_and_no_server(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, AGENTS)
    with door("websocket", cloud.environment) as websocket:
        assert websocket.invoke(connect_event())["answer"]["statusCode"] == 200
        assert websocket.invoke(frame_event("conn=", '{"message": "hi"}'))["answer"] == {"statusCode": 200}
        loaded = websocket.modules
    for name in ("sessionful.models.scripted", "httpx", "uvicorn", "mangum", "websockets", "jwt", "aws_xray_sdk"):
        assert name not in loaded
