"""What stands around an application whose process is frozen when its answer is over."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.web.frozen import Deadline, Resting
from sessionful.core.deadline import LAST_WORDS, seconds_left


class Resters:
    """In place of a service: it takes its time to rest, and says when it has."""

    def __init__(self, told: list[Any], error: Exception | None = None) -> None:
        self._told, self._error = told, error

    async def rest(self) -> None:
        await asyncio.sleep(0.01)
        self._told.append("rested")
        if self._error is not None:
            raise self._error


async def played(app: ASGIApp, method: str = "GET", error: Exception | None = None) -> list[Any]:
    """What was sent, and where among it the service had rested."""
    told: list[Any] = []

    async def send(message: Message) -> None:
        told.append(message)

    await Resting(app, Resters(told, error))(scope(method), nothing, send)  # type: ignore[arg-type]
    return [one if isinstance(one, str) else said(one) for one in told]


def scope(method: str = "GET", *headers: tuple[bytes, bytes]) -> Scope:
    return {"type": "http", "method": method, "path": "/", "headers": list(headers)}


def said(message: Message) -> Any:
    if message["type"] == "http.response.start":
        return message["status"]
    return message.get("body", b"") + (b"..." if message.get("more_body") else b"")


async def nothing() -> Message:
    """No client goes away: on Lambda nobody is told."""
    await asyncio.Event().wait()
    raise AssertionError


async def unheard(message: Message) -> None:
    pass


async def test_an_answer_of_known_length_is_sent_when_nothing_is_under_way_any_more() -> None:
    assert await played(JSONResponse({"a": 1})) == ["rested", 200, b'{"a":1}']


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_is_over_with_its_headers_waits_too(status: int) -> None:
    assert await played(Response(status_code=status)) == ["rested", status, b""]


async def test_so_does_the_answer_to_a_question_for_headers_alone() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert await played(app, "HEAD") == ["rested", 200, b""]


async def test_a_stream_tells_all_it_has_then_rests_and_then_ends() -> None:
    async def words() -> Any:
        yield b"one"
        yield b"two"

    assert await played(StreamingResponse(words())) == [200, b"one...", b"two...", "rested", b""]


async def test_last_words_that_come_with_the_end_are_not_held_back() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"last words", "more_body": False})

    assert await played(app) == [200, b"last words...", "rested", b""]


async def test_an_answer_in_pieces_whose_length_was_told_comes_whole() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"6")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
        await send({"type": "http.response.body"})

    assert await played(app) == ["rested", 200, b"one...", b"two...", b""]


async def test_a_request_that_fails_leaves_nothing_under_way_either() -> None:
    told: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await Resting(app, Resters(told))(scope(), nothing, unheard)  # type: ignore
    assert told == ["rested"]


async def test_an_answer_is_sent_although_something_could_not_be_handed_over(caplog: Any) -> None:
    assert await played(JSONResponse(1), error=RuntimeError("store")) == ["rested", 200, b"1"]
    assert "could not be handed over" in caplog.text


async def test_while_another_request_is_in_flight_nobody_rests_and_the_last_one_does_for_all() -> None:
    told: list[Any] = []
    gates = {path: asyncio.Event() for path in ("/a", "/b")}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await gates[scope["path"]].wait()
        await Response(scope["path"])(scope, receive, send)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            told.append(message["body"])

    around = Resting(app, Resters(told))  # type: ignore[arg-type]
    tasks = [asyncio.create_task(around({**scope(), "path": path}, nothing, send)) for path in gates]
    gates["/b"].set()
    await tasks[1]
    assert told == [b"/b"]
    gates["/a"].set()
    await tasks[0]
    assert told == [b"/b", "rested", b"/a"]


def asked(context: Any) -> Callable[[], Any]:
    """What is left inside, when the adapter says this."""
    left: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(seconds_left())

    async def ask() -> float | None:
        header = (b"x-amzn-lambda-context", context if isinstance(context, bytes) else json.dumps(context).encode())
        await Deadline(app)(scope("GET", *[header][: context is not None]), nothing, unheard)
        return left[0]

    return ask


async def test_the_deadline_is_what_the_adapter_says() -> None:
    left = await asked({"deadline": int((time.time() + 60) * 1000), "request_id": "r"})()
    assert 59 < left + LAST_WORDS <= 60


@pytest.mark.parametrize("context", [None, b"", b"{", {}, [], {"deadline": None}, {"deadline": "soon"}])
async def test_without_a_deadline_there_is_none(context: Any) -> None:
    assert await asked(context)() is None


async def test_a_deadline_that_is_past_leaves_no_time() -> None:
    assert await asked({"deadline": 1})() == 0.0
