"""The doors under AWS's own Runtime Interface Emulator, in the managed runtime's own client."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functions.cloud import Cloud
from tests.functions.events import http_event
from tests.functions.relay import Relay
from tests.functions.rie import emulated, handler, needs_rie

pytestmark = needs_rie

AGENTS = """
llms:
  words: {type: scripted, replies: ["Hello from a function"]}
  slow: {type: scripted, replies: ["one two three four five six seven eight nine ten"], delay_ms: 400}
agents:
  assistant: {llm: words}
  thinker: {llm: slow}
"""
EMPTY: dict[str, Any] = {"Records": []}
LEFT = {
    "requestContext": {"eventType": "DISCONNECT", "routeKey": "$disconnect", "connectionId": "c1="},
    "isBase64Encoded": False,
}
REQUESTS = {
    "sessions": http_event("GET", "/agents"),
    "messages": http_event("POST", "/agents/assistant/messages", {"message": "Hi"}),
    "worker": EMPTY,
    "curator": EMPTY,
    "websocket": LEFT,
}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path, AGENTS)


def woken(wake: dict[str, Any]) -> dict[str, Any]:
    """As the queue's event tells it to the worker."""
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps(wake),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:worker",
        "awsRegion": "eu-central-1",
    }
    return {"Records": [record]}


@pytest.mark.parametrize("door", REQUESTS)
async def test_a_door_starts_cold_stays_warm_and_survives_what_it_cannot_read(
    door: str, cloud: Cloud, tmp_path: Path
) -> None:
    environment = {**cloud.environment, "SESSIONFUL_WEBSOCKET_URL": "http://127.0.0.1:9/stage"}
    with emulated(handler(door), environment, tmp_path) as function:
        first = await function.answer(REQUESTS[door])
        second = await function.answer(REQUESTS[door])
        for answer in (first, second):
            assert answer.get("statusCode", 200) == 200, answer
            assert answer.get("batchItemFailures", []) == []
        failed = await function.answer({"this": "is no event"})
        assert failed["errorType"] and failed["errorMessage"]
        again = await function.answer(REQUESTS[door])
        assert again.get("statusCode", 200) == 200
        assert function.cold_starts() == [1, 0, 0, 0], "one process answered all of it"


async def test_what_goes_wrong_inside_is_told_a_client_in_json_without_a_trace(cloud: Cloud, tmp_path: Path) -> None:
    nowhere = cloud.environment["SESSIONFUL_STORE"].replace(cloud.table, "no-such-table")
    with emulated(handler("sessions"), {**cloud.environment, "SESSIONFUL_STORE": nowhere}, tmp_path) as function:
        answer = await function.answer(http_event("GET", "/sessions"))
        assert answer["statusCode"] >= 500
        error = json.loads(answer["body"])["error"]
        assert error["code"] and error["request_id"] == answer["headers"]["x-request-id"]
        assert "Traceback" not in answer["body"] and ".py" not in answer["body"]


async def test_a_function_that_is_stopped_for_its_time_serves_the_next_request_anew(
    cloud: Cloud, tmp_path: Path
) -> None:
    async with Relay(cloud.url) as relay:
        environment = Cloud(tmp_path, AGENTS, endpoint=relay.url).environment
        with emulated(handler("sessions"), environment, tmp_path, seconds=4) as function:
            assert (await function.answer(http_event("POST", "/sessions", {"id": "s1"})))["statusCode"] == 201
            relay.flowing.clear()
            assert "Task timed out after 4.00 seconds" in await function.invoke(http_event("GET", "/sessions/s1"))
            relay.flowing.set()
            assert (await function.answer(http_event("GET", "/sessions/s1")))["statusCode"] == 200
            assert function.cold_starts() == [1, 1], "the one that was stopped is gone"


async def test_a_turn_that_outlives_its_function_is_answered_handed_over_and_ended_by_the_worker(
    cloud: Cloud, tmp_path: Path
) -> None:
    with emulated(handler("messages"), cloud.environment, tmp_path, seconds=5) as messages:
        ask = http_event("POST", "/agents/thinker/messages", {"message": "Think"})
        answer = await messages.answer(ask)
        told = json.loads(answer["body"])
        assert (answer["statusCode"], told["status"]) == (202, "running")
        (wake,) = cloud.alarms()
        assert (wake["session"], wake["turn"]) == (told["session_id"], told["turn_id"])
        before = cloud.items()
        with emulated(handler("worker"), cloud.environment, tmp_path, seconds=60) as worker:
            assert cloud.items() == before, "the frozen function writes nothing more"
            assert await worker.answer(woken(wake)) == {"batchItemFailures": []}
        record = json.loads((await messages.answer(http_event("GET", answer["headers"]["location"])))["body"])
        assert (record["status"], record["response"]) == (
            "completed",
            "one two three four five six seven eight nine ten",
        )
