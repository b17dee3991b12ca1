"""Streams over real sockets: in time, closed once, told as the agent says, and never a hold on the turn."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sessionful.core.service import Service
from sessionful.domain.error import ModelError, StoreUnavailable
from sessionful.domain.session import SessionKey
from sessionful.domain.turn import Watched
from sessionful.ports import TextPiece
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.frames import Frame, Reader, chunk_text, frames
from tests.surfaces.house import CODER, TOOLS, Gate, a_service, an_agent, asked_until, serving, until
from tests.surfaces.http.streaming import CHUNKS, DIALECTS, FULL, HI, POEM, TYPED, dialects, posted, session, whole


@dialects
async def test_the_first_word_arrives_before_the_second_leaves_the_model(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    gate = Gate("One", " two", " three")
    async with session(gate) as client, client.stream("POST", path, json=HI) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        heard: list[Frame] = []
        arriving = frames(response)
        for said, so_far in ((1, "One"), (2, "One two"), (3, "One two three")):
            gate.let()
            while text(heard) != so_far:
                heard.append(await anext(arriving))
            assert gate.said == said
        heard += [frame async for frame in arriving]
    assert last(heard[-1]) and sum(map(last, heard)) == 1
    assert all(frame.own_id for frame in heard)


@dialects
async def test_an_error_in_the_middle_is_an_event_and_the_stream_is_closed_once(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]

    async def breaks(request: Any) -> AsyncIterator[Any]:
        yield TextPiece("One")
        raise ModelError("no sense")

    async with session(breaks) as client:
        heard = await posted(client, path)
    assert text(heard) == "One"
    assert last(heard[-1]) and sum(map(last, heard)) == 1
    told = heard[-1] if dialect == "events" else heard[-2]
    assert told.event == ("turn_failed" if dialect == "events" else "error")
    assert told.json["error"]["code"] == "model_error"


@dialects
async def test_a_cancelled_turn_closes_its_streams(dialect: str) -> None:
    path, _, last = DIALECTS[dialect]
    async with session(Gate("never")) as client, client.stream("POST", path, json=HI) as response:
        cancelled = await client.post(f"/sessions/s1/turns/{response.headers['x-turn-id']}/cancel")
        assert cancelled.json()["status"] == "cancelled"
        heard = [frame async for frame in frames(response)]
    assert last(heard[-1]) and sum(map(last, heard)) == 1


@dialects
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"message": ""}, 400, "invalid_request"),
        ({"message": "Hi", "agent_id": "nobody"}, 404, "agent_not_found"),
        ({"message": "Hi"}, 409, "session_ended"),
    ],
)
async def test_an_error_before_the_first_event_has_its_status(
    dialect: str, body: dict[str, Any], status: int, code: str
) -> None:
    path, _, _ = DIALECTS[dialect]
    async with session("Hello.") as client:
        await client.post("/sessions/s1/end")
        response = await client.post(path, json=body)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.headers["content-type"] == "application/json"


async def test_silence_is_broken_by_pings() -> None:
    app = create_app(a_service(Gate("never")), heartbeat=0.03)
    async with serving(app) as client:
        await client.post("/sessions", json={"id": "s1"})
        for method, path, body in (
            ("GET", CHUNKS, None),
            ("POST", CHUNKS, HI),
            ("GET", TYPED, None),
            ("GET", FULL, None),
        ):
            async with client.stream(method, path, json=body) as response:
                reader, pings = Reader(), 0
                async with asyncio.timeout(5):
                    lines = response.aiter_lines()
                    while pings < 3:
                        frame = reader.line(await anext(lines))
                        pings = len(reader.comments)
                        assert frame is None or frame.event != "message"
                assert set(reader.comments) == {"ping"}


async def test_pings_never_cut_a_frame() -> None:
    gate = Gate(*["word "] * 50)
    app = create_app(a_service(gate), heartbeat=0.001)
    path = "/agents/assistant/messages/stream"
    async with serving(app) as client, client.stream("POST", path, json=HI) as response:
        reader, heard = Reader(), list[Frame]()
        gate.let()
        async for frame in frames(response, reader):
            heard.append(frame)
            await asyncio.sleep(0.002)
            gate.let()
    assert chunk_text(heard) == "word " * 50 and reader.comments


async def test_tools_are_shown_where_the_agent_says_so() -> None:
    shown = {"reasoning": {"show_tool_execution": True}}
    async with session(*CODER, tools=TOOLS, **shown) as client:
        heard = await posted(client, CHUNKS)
        assert chunk_text(heard) == (
            "Let me create that file...\n"
            '[Tool: write_file("hello.py", "print(\'Hello\')")]\n'
            "File created successfully.\n"
            "Now let me test it...\n"
            '[Tool: execute_command("python hello.py")]\n'
            "Output: Hello\n"
            "The program works correctly!"
        )
        for count in range(1, len(heard)):
            assert chunk_text(heard[:count] + await whole(client, CHUNKS, heard[count - 1].id)) == chunk_text(heard)


@pytest.mark.parametrize("asked", ["", "?debug=true"])
async def test_debug_tells_of_session_message_memory_and_response(asked: str) -> None:
    fields = {} if asked else {"reasoning": {"show_debug_info": True}}
    async with session("Hello.", **fields) as client:
        text = chunk_text(await posted(client, CHUNKS + asked))
        assert text.startswith("[Session: s1]\n[Message: 1]\nHello.\n[Memory: 1 tokens]\n[Response: ")
        typed = await posted(client, TYPED + asked)
        assert [frame.json.get("message") for frame in typed if frame.event == "debug"] == [2, None]


@dialects
async def test_without_streaming_the_routes_still_answer(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    async with session(POEM, reasoning={"enable_streaming": False}) as client:
        heard = await posted(client, path)
    assert text(heard) == POEM and last(heard[-1])
    if dialect != "events":
        assert sum("glitters" in frame.data for frame in heard) == 1


async def test_the_pause_between_chunks_holds_up_the_reader_and_not_the_turn() -> None:
    slow = {"chunk_size": 1, "delay_ms": 500}
    async with session("x" * 40, streaming=slow) as client, client.stream("POST", CHUNKS, json=HI) as response:
        assert (await anext(frames(response))).json == {"chunk": "x"}
        async with asyncio.timeout(5):
            await asked_until(client, "/sessions/s1", "busy")


@dialects
async def test_a_slow_reader_of_a_long_text_loses_nothing(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    novel = " ".join(f"word{number}" for number in range(30_000))
    async with session(novel) as client, client.stream("POST", path, json=HI) as response:
        await asyncio.sleep(0.3)
        heard = [frame async for frame in frames(response)]
    assert text(heard) == novel and last(heard[-1])


async def test_nothing_is_left_behind_by_readers_that_went_away() -> None:
    gate = Gate("One", " two")
    async with session(gate) as client:
        await client.post("/sessions/s1/messages", json=HI, headers={"prefer": "respond-async"})
        await client.post("/sessions", json={"id": "s2"})
        gate.let()
        await client.get("/health")
        before = len(asyncio.all_tasks())
        for path in (CHUNKS, TYPED, FULL, "/sessions/s2/messages/stream"):
            reader = httpx.AsyncClient(base_url=client.base_url, trust_env=False)
            async with reader, reader.stream("GET", path) as response:
                assert response.status_code == 200
                await asyncio.sleep(0.02)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        gate.let()


class FailingLog(InMemoryLog):
    """A store that breaks down while a turn is followed from the log."""

    failing = False

    async def watch(self, key: SessionKey) -> Watched:
        if self.failing:
            raise StoreUnavailable("the store cannot be reached")
        return await super().watch(key)


@dialects
async def test_a_store_that_breaks_down_later_is_told_in_the_stream(dialect: str) -> None:
    path, _, last = DIALECTS[dialect]
    log = FailingLog()
    gate = Gate("One", " two")
    runs, follows = (create_app(Service([an_agent(log, "assistant", [gate])])) for _ in range(2))
    async with serving(runs) as client, serving(follows) as another:
        await client.post("/sessions", json={"id": "s1"})
        await client.post("/sessions/s1/messages", json=HI, headers={"prefer": "respond-async"})
        async with another.stream("GET", path) as response:
            assert response.status_code == 200
            log.failing = True
            heard = [frame async for frame in frames(response)]
        gate.let(2)
        error = heard[0] if dialect != "events" else heard[-1]
        assert (error.event, error.json["error"]["code"]) == ("error", "store_unavailable")
        assert dialect == "events" or (len(heard) == 2 and last(heard[-1]))
        log.failing = False
