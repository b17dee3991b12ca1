"""Frames that cannot be read are answered, and the connection stays open."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from sessionful.core.service import Service
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import an_agent
from tests.surfaces.websocket.sockets import a_house, serving, text

WRONG: list[tuple[Any, str | None]] = [
    ("", "message"),
    ("not json", "body"),
    ("[1, 2]", "body"),
    ("null", "body"),
    ('{"message": "Hi", "n": NaN}', "body"),
    ("[" * 100_000, "body"),
    (b"\x80\x81\xfe\xff", "body"),
    (b"\x00" * 1000, "body"),
    ({}, "message"),
    ({"mesage": "Hi"}, "mesage"),
    ({"message": "Hi", "sesion_id": "s1"}, "sesion_id"),
    ({"message": "Hi", "session_id": 7}, "session_id"),
    ({"message": "Hi", "input": {"content": "Hi"}}, "message"),
    ({"message": "   "}, "message"),
    ({"message": 5}, None),
    ({"message": "Hi", "session_id": "a/b"}, "session_id"),
    ({"cancel": 5}, "cancel"),
    ({"cancel": "turn_1_x"}, "session_id"),
    ({"cancel": "turn_1_x", "why": "so"}, "why"),
    ({"resume": "s1"}, "resume"),
    ({"resume": {}}, "session_id"),
    ({"resume": {"session_id": "s1", "after": "x.y"}}, "after"),
    ({"resume": {"session_id": "s1", "after": "1.1.1+-2"}}, "after"),
    ({"resume": {"session_id": "s1"}, "message": "Hi"}, "message"),
    ({"input": {"type": "video/mp4", "content": "x"}, "taskId": "t1"}, "input.type"),
    ({"input": "Hi", "taskId": "t1"}, "input"),
    ({"taskId": "t1"}, "input"),
]


@pytest.mark.parametrize(("frame", "field"), WRONG, ids=[str(frame)[:40] for frame, _ in WRONG])
async def test_a_frame_that_is_wrong_is_answered_with_the_field(frame: Any, field: str | None) -> None:
    async with serving("Hello.") as house, house.talk() as talk:
        await talk.connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        told = await talk.next()
        error = told.get("error") or told["content"]
        assert error["code"] == "invalid_request"
        assert field is None or error["details"]["field"] == field
        assert told.get("taskId") == (frame.get("taskId") if isinstance(frame, dict) else None)
        await talk.say(message="Hi", session_id="after")
        while told.get("session_id") != "after":
            told = await talk.next()
        assert text(await talk.whole()) == "Hello."


@pytest.mark.parametrize(
    ("frame", "nearest"),
    [
        ({"mesage": "Hi"}, "message"),
        ({"canel": "t1"}, "cancel"),
        ({"message": "Hi", "sesion_id": "s1"}, "session_id"),
        ({"resume": {"session_id": "s1", "aftr": "1.1.1"}}, "after"),
    ],
)
async def test_an_unknown_field_is_told_with_the_nearest_known(frame: dict[str, Any], nearest: str) -> None:
    async with serving() as house, house.talk() as talk:
        await talk.say(**frame)
        assert (await talk.next())["error"]["details"]["nearest"] == nearest


async def test_json_in_a_binary_frame_is_read() -> None:
    async with serving("Hello.") as house, house.talk() as talk:
        await talk.connection.send(json.dumps({"message": "Grüße 🙂"}, ensure_ascii=False).encode())
        assert text(await talk.whole()) == "Hello."


async def test_a_frame_that_is_too_large_closes_the_connection() -> None:
    agent = an_agent(InMemoryLog(), "assistant", ["Hello.", "Again."])
    async with a_house(create_app(Service([agent]), body_limit=2000)) as house:
        async with house.talk() as talk:
            assert text(await talk.ask(message="x" * 1900)) == "Hello."
            await talk.say(message="ü" * 990)
            with pytest.raises(ConnectionClosed) as closed:
                await talk.next()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        async with house.talk() as talk:
            assert text(await talk.ask(message="Hi")) == "Again."
