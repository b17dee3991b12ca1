"""Readers over real sockets that join, come back or ask twice: every character once, from any server."""

import asyncio

import pytest

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.frames import Frame, chunk_text, frames, read
from tests.surfaces.house import Gate, an_agent, asked_until, serving, until
from tests.surfaces.http.streaming import DIALECTS, HI, POEM, dialects, posted, session, whole


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


def _resized(agent: Agent, size: int | None) -> Agent:
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
        heard = await posted(client, path)
        await client.post("/sessions/s1/messages", json=HI)
        await client.post("/sessions/s1/messages", json=HI)
        assert text(heard := await whole(client, path, heard[-1].id)) == "Two."
        assert text(await whole(client, path, heard[-1].id)) == "Three."


@dialects
async def test_a_reader_of_a_turn_that_was_undone_is_told_so_once_and_then_hears_the_next(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    gate, heard = Gate("One", " two", " three"), list[Frame]()
    async with session(gate, "Instead.", concurrency="rollback") as client:
        gate.let(2)
        async with client.stream("POST", path, json=HI) as response:
            async for frame in frames(response):
                heard.append(frame)
                if text(heard) == "One two":
                    break
        assert (await client.post("/sessions/s1/messages", json=HI)).json()["response"] == "Instead."
        rest = await whole(client, path, heard[-1].id)
        assert text(rest) == ""
        assert last(rest[-1]) and sum(map(last, rest)) == 1 and rest[-1].own_id
        assert text(await whole(client, path, rest[-1].id)) == "Instead."


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
async def test_a_repeated_request_attaches_to_its_turn_and_goes_on_where_it_broke_off(dialect: str) -> None:
    path, text, last = DIALECTS[dialect]
    async with session("One two three.", "Never said.") as client:
        key = {"idempotency-key": "k1"}
        first = await posted(client, path, key)
        assert text(await posted(client, path, key)) == text(first) == "One two three."
        for count in range(1, len(first) + 1):
            heard = first[:count]
            rest = await posted(client, path, {**key, "last-event-id": heard[-1].id})
            if count < len(first):
                assert text([*heard, *rest]) == "One two three."
            assert last(rest[-1]) and sum(map(last, rest)) == 1
        assert (await client.get("/sessions/s1")).json()["message_count"] == 2


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
