"""Turns that wait for their session: listed in order, withdrawn, and told of where the session is told of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.surfaces.house import Gate, an_app, asked_until, client_of, until

TREES = ["/sessions", "/agents/assistant/sessions"]


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Line:
    """A session in which one turn runs, until its gate lets it, and others wait behind it."""

    def __init__(self, client: httpx.AsyncClient, path: str, gate: Gate) -> None:
        self.client, self.path, self.gate = client, path, gate

    async def send(self, text: str) -> str:
        """The turn's id."""
        sent = await self.client.post(
            f"{self.path}/messages", json={"message": text}, headers={"prefer": "respond-async"}
        )
        assert sent.status_code == 202
        return str(sent.json()["turn_id"])

    async def turns(self) -> list[dict[str, Any]]:
        turns: list[dict[str, Any]] = (await self.client.get(f"{self.path}/turns")).json()["turns"]
        return turns

    async def statuses(self) -> list[str]:
        return [turn["status"] for turn in await self.turns()]


@asynccontextmanager
async def a_line(tree: str) -> AsyncIterator[Line]:
    gate = Gate("well", "then")
    async with client_of(an_app(gate, "Hello there.", concurrency="enqueue")) as client:
        path = (await client.post(tree, json={"id": "s1"})).headers["location"]
        yield Line(client, path, gate)
        gate.let(2)


async def test_the_running_turn_and_those_that_wait_are_listed_in_order(tree: str) -> None:
    async with a_line(tree) as line:
        assert await line.turns() == []
        ids = [await line.send(text) for text in ("one", "two", "three")]
        turns = await line.turns()
        assert [turn["turn_id"] for turn in turns] == ids
        assert [turn["status"] for turn in turns] == ["running", "queued", "queued"]
        assert [turn["message"]["parts"][0]["text"] for turn in turns] == ["one", "two", "three"]
        assert turns[2]["ended_at"] is None and turns[2]["response"] == ""
        session = (await line.client.get(line.path)).json()
        assert (session["status"], session["turn_id"], session["queued"]) == ("busy", ids[0], 2)
        assert (await line.client.get(f"{line.path}/turns/{ids[1]}")).json() == turns[1]

        line.gate.let(2)
        last = await asked_until(line.client, f"{line.path}/turns/{ids[2]}", "queued")
        while last["status"] == "running":
            last = await asked_until(line.client, f"{line.path}/turns/{ids[2]}", "running")
        assert (last["status"], last["response"]) == ("completed", "Hello there.")
        assert await line.turns() == []
        messages = (await line.client.get(f"{line.path}/messages")).json()["messages"]
        assert [each["text"] for each in messages if each["role"] == "user"] == ["one", "two", "three"]
        assert (await line.client.get(line.path)).json()["queued"] == 0


@pytest.mark.parametrize("by", ["DELETE", "cancel"])
async def test_a_waiting_turn_is_withdrawn_and_never_answered(tree: str, by: str) -> None:
    async with a_line(tree) as line:
        _, second, third = [await line.send(text) for text in ("one", "two", "three")]
        way = ("DELETE", f"{line.path}/turns/{second}")
        if by == "cancel":
            way = ("POST", f"{line.path}/turns/{second}/cancel")
        withdrawn = await line.client.request(*way)
        assert withdrawn.status_code in (200, 202) and withdrawn.json()["turn_id"] == second
        line.gate.let(2)
        for turn, status, response in ((third, "completed", "Hello there."), (second, "cancelled", "")):
            async with asyncio.timeout(10):
                record = (await line.client.get(f"{line.path}/turns/{turn}")).json()
                while record["status"] in ("queued", "running"):
                    record = await asked_until(line.client, f"{line.path}/turns/{turn}", record["status"])
            assert (record["status"], record["response"]) == (status, response)
        again = await line.client.request(*way)
        assert (again.status_code, again.json()["status"]) == (200, "cancelled")


async def test_to_withdraw_the_running_turn_is_to_stop_it(tree: str) -> None:
    async with a_line(tree) as line:
        first = await line.send("one")
        await until(lambda: line.gate.said == 0)
        response = await line.client.delete(f"{line.path}/turns/{first}")
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
        gone = await line.client.delete(f"{line.path}/turns/turn_9_none")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "turn_not_found")


async def test_a_task_that_waits_is_pending(tree: str) -> None:
    async with a_line(tree) as line:
        await line.send("one")
        task = await line.client.post(
            f"{line.path}/tasks",
            json={"taskId": "t1", "input": {"content": "two"}},
            headers={"prefer": "respond-async"},
        )
        assert (task.status_code, task.json()["status"]) == (202, "pending")
        line.gate.let(2)
        done = await asked_until(line.client, task.headers["location"], "pending")
        while done["status"] == "running":
            done = await asked_until(line.client, task.headers["location"], "running")
        assert (done["status"], done["output"]["content"]) == ("completed", "Hello there.")


async def test_a_session_with_a_queue_is_neither_marked_nor_moved(tree: str) -> None:
    async with a_line(tree) as line:
        for text in ("one", "two"):
            await line.send(text)
        for route, body in (("checkpoints", {}), ("rewind", {"to": 1})):
            response = await line.client.post(f"{line.path}/{route}", json=body)
            assert (response.status_code, response.json()["error"]["code"]) == (409, "session_busy")
