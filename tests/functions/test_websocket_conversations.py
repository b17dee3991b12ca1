"""Conversations through the gateway: real sockets, the door and two workers as processes of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sessionful.domain.event import Cursor
from tests.contracts.dynamodb import moto_client
from tests.functions.cloud import Cloud
from tests.functions.events import ALICE, BOB
from tests.functions.websocket_house import Frame, Function, House, doors, is_last, open_house, text_of, told, until

WORDS = " ".join(f"word{number}" for number in range(60))
LONG = "é" * 20_000 + " " + '"\\' * 9_000 + " " + "🙂" * 8_000

AGENTS = f"""
llms:
  words: {{type: scripted, delay_ms: 12, replies: [{json.dumps(WORDS)}]}}
  slow: {{type: scripted, delay_ms: 30, replies: [{json.dumps(WORDS)}]}}
  long: {{type: scripted, replies: [{json.dumps(LONG, ensure_ascii=False)}]}}
  echo: {{type: scripted}}
agents:
  assistant: {{llm: words}}
  slow: {{llm: slow}}
  patient: {{llm: words, concurrency: enqueue}}
  writer: {{llm: long}}
  echo: {{llm: echo}}
  cut: {{llm: words, streaming: {{chunk_size: 7}}}}
"""

Deployed = tuple[Cloud, Function, list[Function]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    cloud = Cloud(tmp_path_factory.mktemp("websocket"), AGENTS)
    with doors({**cloud.environment, "SESSIONFUL_AUTH": "iam"}) as (websocket, workers):
        yield cloud, websocket, workers


@pytest.fixture
async def house(deployed: Deployed) -> AsyncIterator[House]:
    async with open_house(*deployed) as house:
        house.gateway.user = ALICE
        yield house
        await until(lambda: not house.gateway.sockets and house.idle() and not house.rows())
        assert house.failed == []


def at(house: House, agent: str = "assistant", **options: Any) -> connect:
    return connect(f"{house.gateway.url}?agent={agent}", **options)


async def say(socket: ClientConnection, **fields: Any) -> None:
    await socket.send(json.dumps(fields))


async def heard(socket: ClientConnection, count: int) -> list[Frame]:
    async with asyncio.timeout(10):
        return [json.loads(await socket.recv()) for _ in range(count)]


def ids(frames: list[Frame]) -> list[Cursor]:
    return [Cursor.parse(frame["id"].partition("+")[0]) for frame in frames]


async def test_a_message_is_told_as_chunks_in_order_each_once(house: House) -> None:
    async with at(house) as socket:
        await say(socket, message="go")
        frames = await told(socket)
    assert frames[0]["started"] is True
    assert text_of(frames) == WORDS
    assert ids(frames) == sorted(set(ids(frames)))
    assert frames[-1] | {"done": True, "status": "completed", "steps": 1} == frames[-1]
    assert {frame["turn_id"] for frame in frames} == {frames[0]["turn_id"]}
    assert 3 < len(frames) < 60, "words that come while a frame is on its way go with the next"


async def test_a_task_is_told_in_its_own_form(house: House) -> None:
    async with at(house) as socket:
        await say(socket, message="first", session_id="for-tasks")
        await told(socket)
        task = {"type": "text/plain", "content": "go"}
        await say(socket, taskId="task-1", input=task, context={"sessionId": "for-tasks"})
        frames = await told(socket)
    assert {frame["taskId"] for frame in frames} == {"task-1"}
    assert frames[0]["chunkType"] == "metadata"
    assert frames[0]["content"]["sessionId"] == "for-tasks"
    assert text_of(frames) == WORDS
    assert [frame["final"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert frames[-1]["chunkType"] == "done"


async def test_several_turns_at_once_are_told_apart(house: House) -> None:
    async with at(house) as socket:
        for number in range(3):
            await say(socket, message="go", session_id=f"side-by-side-{number}")
        frames = await told(socket, turns=3)
    turns = {frame["turn_id"] for frame in frames}
    assert len(turns) == 3
    for turn in turns:
        own = [frame for frame in frames if frame["turn_id"] == turn]
        assert text_of(own) == WORDS
        assert ids(own) == sorted(set(ids(own)))


async def test_a_turn_can_be_cancelled_while_it_is_told(house: House) -> None:
    async with at(house, "slow") as socket:
        await say(socket, message="go", session_id="cancelled")
        begun = await heard(socket, 2)
        await say(socket, cancel=begun[0]["turn_id"])
        frames = begun + await told(socket)
    assert frames[-1]["status"] == "cancelled"
    assert sum(is_last(frame) for frame in frames) == 1
    assert len(text_of(frames)) < len(WORDS)
    assert WORDS.startswith(text_of(frames))


@pytest.mark.parametrize("agent", ["assistant", "cut"])
async def test_who_comes_back_on_a_new_connection_hears_each_character_once(house: House, agent: str) -> None:
    async with at(house, agent) as socket:
        await say(socket, message="go", session_id="comes-back")
        frames = await heard(socket, 4)
    async with at(house, agent) as socket:
        await say(socket, resume={"session_id": "comes-back", "after": frames[-1]["id"]})
        frames += await told(socket)
    assert text_of(frames) == WORDS
    assert frames[-1]["status"] == "completed"


async def test_a_turn_goes_on_when_its_client_is_gone_without_a_word(house: House) -> None:
    async with at(house, "slow") as socket:
        await say(socket, message="go", session_id="gone")
        (begun, *_) = await heard(socket, 2)
        socket_id = next(iter(house.gateway.sockets))
        house.gateway.sockets.pop(socket_id)  # the gateway has lost it and has told nobody
        await until(lambda: not house.rows())
        async with at(house, "slow") as another:
            await say(another, resume={"session_id": "gone", "after": begun["id"]})
            frames = await told(another)
    assert text_of(frames) == WORDS
    assert frames[-1]["status"] == "completed"
    assert {wake["turn"] for wake in house.heard[:1]} == {begun["turn_id"]}


async def test_a_message_that_the_queue_delivers_twice_is_told_once(house: House) -> None:
    async with at(house, "slow") as socket:
        await say(socket, message="go", session_id="twice")
        begun = await heard(socket, 1)
        await house.give(json.dumps(house.heard[0]))
        frames = begun + await told(socket)
        await house.give(json.dumps(house.heard[0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)
    assert ids(frames) == sorted(set(ids(frames)))
    assert text_of(frames) == WORDS


async def test_a_turn_that_waits_behind_another_is_told_when_it_comes(house: House) -> None:
    async with at(house, "patient") as socket:
        for text in ("one", "two"):
            await say(socket, message=text, session_id="queue")
        frames = await told(socket, turns=2)
    turns = list(dict.fromkeys(frame["turn_id"] for frame in frames))
    assert len(turns) == 2
    assert [text_of([frame for frame in frames if frame["turn_id"] == turn]) for turn in turns] == [WORDS, WORDS]


async def test_a_session_that_is_busy_refuses_with_the_code_that_http_has(house: House) -> None:
    async with at(house, "slow") as socket:
        await say(socket, message="one", session_id="busy")
        await heard(socket, 1)
        await say(socket, message="two", session_id="busy", request_id="second")
        frames = await told(socket, turns=2)
    (refused,) = [frame for frame in frames if "error" in frame]
    assert refused["error"]["code"] == "session_busy"
    assert refused["request_id"] == "second"
    assert [frame["status"] for frame in frames if is_last(frame)].count("refused") == 1
    assert [frame["status"] for frame in frames if is_last(frame)].count("completed") == 1


async def test_a_repeated_request_is_the_same_turn(house: House) -> None:
    async with at(house, "echo") as socket:
        await say(socket, message="hello", request_id="once")
        first = await told(socket)
        await until(lambda: len(house.rows()) == 1)
        await say(socket, message="hello", request_id="once")
        second = await told(socket)
    assert second[0]["turn_id"] == first[0]["turn_id"]
    assert text_of(second) == text_of(first) == "You said: hello (1 messages in view)"


async def test_a_long_text_comes_in_frames_that_pass_the_gateway(house: House) -> None:
    async with at(house, "writer") as socket:
        await say(socket, message="go")
        frames = await told(socket)
    assert text_of(frames) == LONG
    assert max(len(text.encode()) for _, text in house.gateway.posts) <= 24 * 1024


async def test_what_cannot_be_read_is_answered_and_the_connection_stays(house: House) -> None:
    async with at(house, "echo") as socket:
        for wrong in ("{", "[]", '{"mesage": "hi"}', b"\xff\xfe", '{"cancel": 7}'):
            await socket.send(wrong)
            (refused,) = await heard(socket, 1)
            assert refused["error"]["code"] == "invalid_request"
        await say(socket, message="whose?", owner=BOB)
        refused, closing = await heard(socket, 2)
        assert refused["error"]["details"]["field"] == "owner"
        assert closing["done"] is True
        await socket.send(json.dumps({"message": "still here"}).encode())
        assert text_of(await told(socket)) == "You said: still here (1 messages in view)"


async def test_the_session_of_somebody_else_is_not_found(house: House) -> None:
    async with at(house, "echo") as socket:
        await say(socket, message="mine", session_id="alices")
        await told(socket)
    house.gateway.user = BOB
    async with at(house, "echo") as socket:
        await say(socket, resume={"session_id": "alices", "after": "1.1.0"})
        frames = await told(socket)
        assert frames[0]["error"]["code"] == "session_not_found"
        await say(socket, cancel="turn_1_x", session_id="alices")
        (refused,) = await heard(socket, 1)
        assert refused["error"]["code"] == "session_not_found"
        await say(socket, message="mine", session_id="alices")
        assert text_of(await told(socket)) == "You said: mine (1 messages in view)", "one of his own, and it is empty"


async def test_a_connection_that_is_not_known_any_more_is_hung_up(house: House) -> None:
    async with at(house, "echo") as socket:
        (connection,) = house.gateway.sockets
        for row in house.rows():
            key = {name: row[name] for name in ("pk", "sk")}
            moto_client().delete_item(TableName=house.cloud.table, Key=key)
        await say(socket, message="hello")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        assert connection not in house.gateway.sockets
