"""A turn whose server is gone, and that nobody asks for, is finished by a worker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sessionful.domain.session import Session, SessionKey
from sessionful.stores.sql import SqlLog
from tests.e2e.serving import Serving
from tests.e2e.working import working

ANSWER = " ".join(f"w{number}" for number in range(40))
CONFIG = f"""
llms:
  main: {{type: scripted, delay_ms: 50, replies: ["{ANSWER}"]}}
agents:
  assistant: {{llm: main}}
"""
ARGUMENTS = ("--config", "config.yaml")
LEASE_SECONDS = 15
KEY = SessionKey("local", "assistant", "s1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    (tmp_path / "config.yaml").write_text(CONFIG)
    serving = Serving(tmp_path, {}, *ARGUMENTS)
    serving.start()
    yield serving
    serving.kill()


@pytest.fixture
async def log(server: Serving, tmp_path: Path) -> AsyncIterator[SqlLog]:
    opened = SqlLog.open(f"sqlite:///{tmp_path}/data/sessions.db")
    yield opened
    await opened.close()


async def test_a_killed_servers_turn_is_finished_though_nobody_asks_for_it(
    server: Serving, log: SqlLog, tmp_path: Path
) -> None:
    await _begin(server, log)
    server.kill()
    with working(tmp_path, {}, *ARGUMENTS):
        head = await _until_idle(log, 40)
    await _is_whole(log, head)
    [entry] = await log.turn(head, 1)
    assert entry.attempt == 2


async def test_a_worker_that_dies_over_a_dead_servers_turn_leaves_it_to_the_next(
    server: Serving, log: SqlLog, tmp_path: Path
) -> None:
    await _begin(server, log)
    assert await asyncio.to_thread(server.stop) == 0
    released = await log.get(KEY)
    with working(tmp_path, {}, *ARGUMENTS) as first:
        await _until(log, lambda head: head.epoch > released.epoch, 20)
        first.kill()
    with working(tmp_path, {}, *ARGUMENTS):
        head = await _until_idle(log, 60)
    await _is_whole(log, head)


async def test_a_turn_that_was_handed_over_is_gone_on_with_at_once(
    server: Serving, log: SqlLog, tmp_path: Path
) -> None:
    with working(tmp_path, {}, *ARGUMENTS) as worker:
        await _begin(server, log)
        assert await asyncio.to_thread(server.stop) == 0
        head = await _until_idle(log, LEASE_SECONDS)
        await _is_whole(log, head)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 10) == 0


async def _begin(server: Serving, log: SqlLog) -> None:
    """A turn that nobody reads, as far as something of it is told."""
    async with httpx.AsyncClient(base_url=f"{server.url}/agents/assistant", timeout=30) as client:
        assert (await client.post("/sessions", json={"session_id": "s1"})).status_code == 201
        async with client.stream("POST", "/sessions/s1/messages/stream", json={"message": "go"}) as stream:
            async for line in stream.aiter_lines():
                if '"chunk"' in line:
                    break
    await _until_flushed(log)


async def _until_flushed(log: SqlLog) -> None:
    async with asyncio.timeout(20):
        while not (await log.watch(KEY)).flushed:  # noqa: ASYNC110 - another process moves on
            await asyncio.sleep(0.05)


async def _until(log: SqlLog, seen: Callable[[Session], bool], seconds: float) -> Session:
    async with asyncio.timeout(seconds):
        while not seen(head := await log.get(KEY)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    return head


async def _until_idle(log: SqlLog, seconds: float) -> Session:
    return await _until(log, lambda head: head.status == "idle", seconds)


async def _is_whole(log: SqlLog, head: Session) -> None:
    entries = await log.read(head, 100)
    assert [message.text for entry in entries for message in entry.messages] == ["go", ANSWER]
    assert entries[-1].ending is not None
    assert entries[-1].ending.status == "completed"
