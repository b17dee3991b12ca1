"""The worker: it carries the turns that its messages name, side by side, and says which it could not look after."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sessionful.alarms.sqs import SqsAlarmQueue, wake_json
from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.message import Message
from sessionful.domain.session import SessionKey
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import Wake
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.dynamodb import moto_client
from tests.functions.cloud import ROOT, Cloud, client
from tests.functions.doors import PATHS, Door, door

AGENTS = """
llms:
  quick: {type: scripted, replies: ["Hello from a worker"]}
  slow: {type: scripted, replies: ["one two three four"], delay_ms: 300}
agents:
  assistant: {llm: quick}
  thinker: {llm: slow}
"""


class House:
    """A deployment seen from another process of it, which starts turns."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.queue = SqsAlarmQueue(lambda: client("sqs"), cloud.environment["SESSIONFUL_ALARMS"].removeprefix("sqs:"))
        self.log = DynamoDBLog(moto_client(), cloud.table)
        agents = [Agent(name, ScriptedModel(["from elsewhere"]), self.log) for name in ("assistant", "thinker")]
        self.service = Service(agents, alarm=self.queue)

    async def ask(self, agent: str, session: str) -> Wake:
        """A turn that nobody carries yet."""
        start = self.service.start_turn("ada", agent, session, Message.user("Hi"), create=True, worker_in=600)
        return Wake(SessionKey("ada", agent, session), (await start).turn_id)

    async def turn(self, wake: Wake) -> Any:
        """Once it is over: whoever looks at one that nobody carries goes on with it."""
        return await self.service.get_turn("ada", wake.key.agent, wake.key.id, wake.turn_id)

    async def due(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self.cloud.alarms)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return Cloud(tmp_path_factory.mktemp("cloud"), AGENTS)


@pytest.fixture(scope="module")
def worker(cloud: Cloud) -> Iterator[Door]:
    with door("worker", cloud.environment) as opened:
        yield opened


@pytest.fixture
async def house(cloud: Cloud) -> AsyncIterator[House]:
    opened = House(cloud)
    yield opened
    await opened.queue.close()
    await opened.log.close()


def messages(*bodies: str) -> dict[str, Any]:
    records = [
        {"messageId": f"m{number}", "body": body, "eventSource": "aws:sqs"} for number, body in enumerate(bodies)
    ]
    return {"Records": records}


async def invoked(worker: Door, *bodies: str, seconds: float = 60.0) -> list[str]:
    """The ids of the messages that it reports."""
    told = await asyncio.to_thread(worker.invoke, messages(*bodies), seconds)
    assert "answer" in told, told
    return [failure["itemIdentifier"] for failure in told["answer"]["batchItemFailures"]]


async def test_a_turn_that_nobody_carries_is_carried_to_its_end(house: House, worker: Door) -> None:
    wake = await house.ask("assistant", "carried")
    assert await invoked(worker, wake_json(wake)) == []
    turn = await house.turn(wake)
    assert (turn.status, turn.response) == ("completed", "Hello from a worker")
    assert await invoked(worker, wake_json(wake)) == []  # the same message again, as SQS may have it
    assert await house.turn(wake) == turn


async def test_several_are_carried_side_by_side(house: House, worker: Door) -> None:
    wakes = [await house.ask("thinker", f"side-{number}") for number in range(6)]
    begun = time.monotonic()
    assert await invoked(worker, *map(wake_json, wakes)) == []
    assert time.monotonic() - begun < 6 * 4 * 0.3
    assert {(await house.turn(wake)).response for wake in wakes} == {"one two three four"}


async def test_only_those_that_failed_come_again(house: House, worker: Door) -> None:
    wake = await house.ask("assistant", "among others")
    strange = Wake(SessionKey("ada", "configured-elsewhere", "s"), "1-x")
    gone = Wake(SessionKey("ada", "assistant", "never made"), "1-x")
    bodies = ["not json", wake_json(strange), wake_json(wake), wake_json(gone), '{"owner": "ada"}']
    assert await invoked(worker, *bodies) == ["m0", "m1", "m4"]
    assert (await house.turn(wake)).status == "completed"


async def test_a_turn_whose_holder_lives_is_left_to_it_and_looked_at_again_later(house: House, worker: Door) -> None:
    wake = await house.ask("assistant", "held")
    assert await house.log.take_over(wake.key, house.service.clock() + 60_000) is not None
    before = await house.queue.count()
    assert await invoked(worker, wake_json(wake)) == []
    assert await house.queue.count() == before + 1
    assert all(said["session"] != "held" for said in await house.due())


async def test_a_function_that_is_stopped_too_soon_to_carry_a_turn_loses_none(house: House, worker: Door) -> None:
    wake = await house.ask("assistant", "short of time")
    assert await invoked(worker, wake_json(wake), seconds=8.0) == ["m0"]
    assert await invoked(worker, wake_json(wake)) == []
    assert (await house.turn(wake)).response == "Hello from a worker"


async def test_what_it_loads_knows_no_browser_and_no_socket(house: House, worker: Door) -> None:
    assert await invoked(worker, wake_json(await house.ask("assistant", "modules"))) == []
    browsers = {
        "fastapi",
        "starlette",
        "mangum",
        "uvicorn",
        "functions.connections.telling",
        "functions.connections.posting",
    }
    assert worker.modules.isdisjoint(
        {*browsers, "sqlalchemy", "httpx", "aws_xray_sdk.core", "sessionful.alarms.sqlite"}
    )


async def test_a_turn_for_a_connection_is_told_to_it(cloud: Cloud, house: House, worker: Door) -> None:
    """Its connection is gone, so there is nobody to tell, but the turn is carried; by what only then is loaded."""
    wake = await house.ask("assistant", "told")
    assert await invoked(worker, wake_json(wake, tell={"connection": "gone", "stream": "s"})) == []
    assert (await house.turn(wake)).status == "completed"
    assert "functions.connections.telling" in worker.modules


def test_its_lines_say_which_message_session_and_turn_they_are_about(cloud: Cloud) -> None:
    wake = Wake(SessionKey("ada", "configured-elsewhere", "s 1"), "1-x")
    event = {"event": messages(wake_json(wake), "my secret"), "seconds": 60}
    done = subprocess.run(
        [sys.executable, "-m", "tests.functions.lambda_process", "functions.worker.handler", "2"],
        env={"PYTHONPATH": PATHS, "AWS_LAMBDA_FUNCTION_NAME": "worker", **cloud.environment},
        cwd=ROOT,
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    about = {line["message_id"]: line for line in lines if "message" in line}
    assert (about["m0"]["session_id"], about["m0"]["turn_id"], about["m0"]["door"]) == ("s 1", "1-x", "worker")
    assert "code=<invalid_request>" in about["m1"]["message"]
    [metrics] = [line for line in lines if "_aws" in line]
    assert (metrics["errors"], metrics["requests"], metrics["cold_starts"]) == ([2.0], [1.0], [1.0])
    assert "secret" not in done.stdout
