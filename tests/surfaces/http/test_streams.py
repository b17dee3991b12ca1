"""Streams over real sockets: in time, resumable, closed once, and never a hold on the turn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from sessionful.core.service import Service
from sessionful.domain.error import ModelError, StoreUnavailable
from sessionful.domain.session import Session
from sessionful.domain.turn import Entry
from sessionful.ports import TextPiece
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http import create_app
from tests.surfaces.frames import Frame, Reader, chunk_text, event_text, frames, read, typed_text
from tests.surfaces.house import CODER, TOOLS, Gate, a_service, an_agent, an_app, asked_until, serving, until

CHUNKS = "/agents/assistant/sessions/s1/messages/stream"
TYPED = "/sessions/s1/message/stream"
FULL = "/sessions/s1/messages/stream?events=full"
DIALECTS: dict[str, tuple[str, Callable[[Sequence[Frame]], str], Callable[[Frame], bool]]] = {
    "chunks": (CHUNKS, chunk_text, lambda frame: frame.data == "[DONE]"),
    "typed": (TYPED, typed_text, lambda frame: frame.event == "done"),
    "events": (FULL, event_text, lambda frame: frame.event in ("turn_completed", "turn_failed", "turn_cancelled")),
}
dialects = pytest.mark.parametrize("dialect", DIALECTS)
HI = {"message": "Hi"}
POEM = "Tout ce qui brille — n'est pas or. 🙂\nNot all that glitters is gold; " * 4


@asynccontextmanager
async def session(*replies: Any, **fields: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(an_app(*replies, **fields)) as client:
        await client.post("/sessions", json={"id": "s1"})
        yield client


async def whole(client: httpx.AsyncClient, path: str, cursor: str = "") -> list[Frame]:
    """What a GET gives up to the end of the turn."""
    response = await client.get(path, headers={"last-event-id": cursor} if cursor else {})
    assert response.status_code == 200, response.text
    return read(response.content)


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
@pytest.mark.parametrize("sizes", [(None, None), (4, 9), (9, 4), (None, 1), (7, None)])
async def test_a_reader_that_lost_the_line_gets_the_rest_in_any_chunk_size(
    dialect: str, sizes: tuple[int | None, int | None]
) -> None:
    path, text, last = DIALECTS[dialect]
    agent = an_agent(InMemoryLog(), "assistant", [POEM])
    apps = [create_app(Service([_resized(agent, size)], agent.log)) for size in sizes]
    async with serving(apps[0]) as client:
        await client.post("/sessions", json={"id": "s1"})
        heard: list[Frame] = []
        async with client.stream("POST", path, json=HI) as response:
            async for frame in frames(response):
                heard.append(frame)
                if len(text(heard)) > len(POEM) // 3:
                    break
        async with serving(apps[1]) as another:
            heard += await whole(another, path, heard[-1].id)
        assert text(heard) == POEM
        assert last(heard[-1]) and sum(map(last, heard)) == 1


def _resized(agent: Any, size: int | None) -> Any:
    return an_agent(agent.log, "assistant", [POEM], streaming={"chunk_size": size} if size else {})


@dialects
async def test_a_reader_joins_while_the_turn_runs(dialect: str) -> None:
    path, text, _ = DIALECTS[dialect]
    gate = Gate("One", " two", " three")
    async with session(gate) as client:
        await client.post("/sessions/s1/messages", json=HI, headers={"prefer": "respond-async"})
        gate.let(2)
        joined = asyncio.create_task(whole(client, path))
        await until(lambda: gate.said == 2)
        gate.let()
        assert text(await joined) == "One two three"


@dialects
async def test_a_reader_without_a_turn_waits_for_the_next_one(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    async with session("First.", "Second.") as client:
        await client.post("/sessions/s1/messages", json=HI)
        async with client.stream("GET", path) as response:
            assert response.status_code == 200
            await client.post("/sessions/s1/messages", json=HI)
            heard = [frame async for frame in frames(response)]
    assert text(heard) == "Second." and last(heard[-1])


@dialects
async def test_a_browser_that_reconnects_after_each_turn_misses_none(dialect: str) -> None:
    """An EventSource comes back with the id of the last frame when a stream has ended."""
    path, text, _ = DIALECTS[dialect]
    async with session("One.", "Two.", "Three.") as client:
        heard = await _posted(client, path)
        await client.post("/sessions/s1/messages", json=HI)
        await client.post("/sessions/s1/messages", json=HI)
        assert text(heard := await whole(client, path, heard[-1].id)) == "Two."
        assert text(await whole(client, path, heard[-1].id)) == "Three."


@dialects
async def test_a_client_that_goes_away_does_not_stop_the_turn(dialect: str) -> None:
    path, text, _ = DIALECTS[dialect]
    gate = Gate("One", " two", " three")
    async with session(gate) as client:
        gate.let()
        async with client.stream("POST", path, json=HI) as response:
            arriving, heard = frames(response), list[Frame]()
            while text(heard) != "One":
                heard.append(await anext(arriving))
        gate.let(2)
        await asked_until(client, "/sessions/s1", "busy")
        history = (await client.get("/sessions/s1/messages")).json()["messages"]
        assert history[-1]["text"] == "One two three"
        assert text(heard + await whole(client, path, heard[-1].id)) == "One two three"


@dialects
async def test_an_error_in_the_middle_is_an_event_and_the_stream_is_closed_once(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]

    async def breaks(request: Any) -> AsyncIterator[Any]:
        yield TextPiece("One")
        raise ModelError("no sense")

    async with session(breaks) as client:
        heard = await _posted(client, path)
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


@dialects
async def test_a_repeated_request_attaches_to_its_turn_and_goes_on_where_it_broke_off(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    async with session("One two three.", "Never said.") as client:
        key = {"idempotency-key": "k1"}
        first = await _posted(client, path, key)
        assert text(await _posted(client, path, key)) == text(first) == "One two three."
        for count in range(1, len(first) + 1):
            heard = first[:count]
            rest = await _posted(client, path, {**key, "last-event-id": heard[-1].id})
            if count < len(first):
                assert text([*heard, *rest]) == "One two three."
            assert last(rest[-1]) and sum(map(last, rest)) == 1
        assert (await client.get("/sessions/s1")).json()["message_count"] == 2


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


async def test_a_session_less_stream_opens_a_session_that_can_be_followed() -> None:
    async with session("Hello.", "Again.") as client:
        path = "/agents/assistant/messages/stream"
        response = await client.post(path, json=HI)
        session_id = response.headers["x-session-id"]
        heard = read(response.content)
        await client.post(f"/sessions/{session_id}/messages", json=HI)
        following = await whole(client, f"{path}?session_id={session_id}", heard[-1].id)
        assert chunk_text(following) == "Again."
        by_query = await whole(client, f"{path}?session_id={session_id}&after={heard[-1].id}")
        assert by_query == following


async def test_tools_are_shown_where_the_agent_says_so() -> None:
    shown = {"reasoning": {"show_tool_execution": True}}
    async with session(*CODER, tools=TOOLS, **shown) as client:
        heard = await _posted(client, CHUNKS)
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
        text = chunk_text(await _posted(client, CHUNKS + asked))
        assert text.startswith("[Session: s1]\n[Message: 1]\nHello.\n[Memory: 1 tokens]\n[Response: ")
        typed = await _posted(client, TYPED + asked)
        assert [frame.json.get("message") for frame in typed if frame.event == "debug"] == [2, None]


@dialects
async def test_without_streaming_the_routes_still_answer(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    async with session(POEM, reasoning={"enable_streaming": False}) as client:
        heard = await _posted(client, path)
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

    async def turn(self, session: Session, number: int) -> list[Entry]:
        if self.failing:
            raise StoreUnavailable("the store cannot be reached")
        return await super().turn(session, number)


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


async def _posted(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> list[Frame]:
    response = await client.post(path, json=HI, headers=headers)
    assert response.status_code == 200, response.text
    return read(response.content)
