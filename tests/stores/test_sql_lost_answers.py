"""The database has committed and its answer is lost: the call is made again, and knows what it has done."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sessionful.domain.error import LeaseLost
from sessionful.domain.session import SessionChange
from sessionful.domain.turn import Admitted, Group, Queued
from sessionful.stores.sql import SqlLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.databases import postgres_url, sql_log, with_postgres
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_session, a_turn, an_entry, places, texts
from tests.contracts.writer import begin, begin_next, take_over, wait_in_line
from tests.stores.sql_relay import Relay, relay

# A SQLite file answers within its process; MySQL's relay would be another protocol for the same code.
pytestmark = pytest.mark.skipif(not with_postgres(), reason="needs PostgreSQL")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def line(clock: ManualClock) -> AsyncIterator[Relay]:
    """A line that can be cut, to an empty database."""
    async with sql_log(postgres_url(), clock), relay(postgres_url()) as made:
        yield made


async def opened(url: str, clock: ManualClock) -> SqlLog:
    return await asyncio.to_thread(SqlLog.open, url, clock, 1)  # it blocks, and the relay is on this loop


@pytest.fixture
async def log(line: Relay, clock: ManualClock) -> AsyncIterator[SqlLog]:
    """A log with one connection through that line, and one session in it."""
    log = await opened(line.url, clock)
    await log.create(a_session())
    yield log
    await log.close()


async def test_an_admission_is_recognised(line: Relay, log: SqlLog) -> None:
    line.lose_next_answer()
    writer = await begin(log, wait=True)
    assert (line.lost, writer.lease.epoch, writer.lease.turn) == (1, 1, 1)
    assert await log.get(KEY) == writer.session


@pytest.mark.parametrize("key", [None, "once"])
async def test_a_place_in_the_queue_is_recognised(line: Relay, log: SqlLog, key: str | None) -> None:
    await begin(log)
    line.lose_next_answer()
    told = await log.begin(KEY, a_turn("later", wait=True, idempotency_key=key), WINDOW)
    (waiting,) = await log.queued(KEY)
    assert line.lost == 1
    assert told == Queued(await log.get(KEY), waiting.turn_id)
    assert told.session.queued == 1


async def test_the_admission_of_who_waited_is_recognised(line: Relay, log: SqlLog) -> None:
    holder = await begin(log)
    await wait_in_line(log, text="m" * 100_000)
    await wait_in_line(log)
    await holder.settle()
    line.lose_next_answer()
    admitted = await log.begin_next(KEY, LEASE_MS, WINDOW)
    assert isinstance(admitted, Admitted)
    assert (line.lost, admitted.lease.turn, admitted.lease.epoch) == (1, 2, 2)
    assert admitted.session == await log.get(KEY)
    assert [turn.number for turn in await log.queued(KEY)] == [3]
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None


async def test_a_take_over_is_recognised(line: Relay, log: SqlLog, clock: ManualClock) -> None:
    await (await begin(log)).flush("one", "two", lease_until=NOON + 5)
    clock.advance(5)
    line.lose_next_answer()
    writer = await take_over(log)
    assert (line.lost, writer.lease.epoch, writer.lease.attempt) == (1, 2, 2)
    assert writer.flushed == ["one", "two"]
    assert writer.session == await log.get(KEY)
    assert await log.take_over(KEY, NOON + LEASE_MS) is None


async def test_a_group_is_stored_once(line: Relay, log: SqlLog) -> None:
    writer = await begin(log)
    await writer.flush("one")
    line.lose_next_answer()
    assert await log.flush(writer.lease, Group(2, "two"), NOON + 90_000) is False
    await log.flush(writer.lease, Group(3, "three"), NOON + 90_000)
    assert line.lost == 1
    assert (await log.watch(KEY)).flushed == ["one", "two", "three"]


async def test_a_step_and_an_end_are_stored_once(line: Relay, log: SqlLog) -> None:
    await log.change(KEY, SessionChange(state={"mood": "fine"}))
    writer = await begin(log)
    await writer.flush("half")
    line.lose_next_answer()
    await writer.append("one")
    line.lose_next_answer()
    head = await writer.settle("two")
    assert line.lost == 2
    assert head == await log.get(KEY)
    assert (head.running, head.state_moved, head.state_at, head.message_count) == (None, False, (1, 2), 3)
    entries = await log.read(head, 10)
    assert texts(entries) == ["hello", "one", "two"]
    assert entries[-1].state == {"mood": "fine"}


async def test_a_release_is_done_once(line: Relay, log: SqlLog) -> None:
    writer = await begin(log)
    line.lose_next_answer()
    await log.release(writer.lease)
    assert line.lost == 1
    assert (await take_over(log)).lease.attempt == 1
    with pytest.raises(LeaseLost):
        await log.release(writer.lease)


async def test_a_release_is_done_although_the_turn_was_taken_before_its_answer(
    line: Relay, log: SqlLog, clock: ManualClock
) -> None:
    writer = await begin(log)
    others = await opened(postgres_url(), clock)
    line.meanwhile = lambda: take_over(others)
    line.lose_next_answer()
    await log.release(writer.lease)
    head = await log.get(KEY)
    assert head.running is not None
    assert (head.epoch, head.running.attempt) == (2, 1)
    await others.close()


async def test_messages_are_put_in_once(line: Relay, log: SqlLog) -> None:
    await log.insert(KEY, an_entry("first", turn_id="turn_1_first"))
    line.lose_next_answer()
    head = await log.insert(KEY, an_entry("second", turn_id="turn_1_second"))
    assert line.lost == 1
    assert head == await log.get(KEY)
    assert places(await log.read(head, 10)) == [(1, 1), (2, 1)]


async def test_a_turn_that_waits_keeps_one_place_when_it_was_admitted_meanwhile(
    line: Relay, log: SqlLog, clock: ManualClock
) -> None:
    holder = await begin(log)
    await log.close()
    others = await opened(postgres_url(), clock)
    ours = await opened(line.url, clock)
    await ours.get(KEY)
    holder.log = others

    async def promote() -> None:
        await holder.settle()
        await (await begin_next(others)).settle()

    line.meanwhile = promote
    line.lose_next_answer()
    told = await ours.begin(KEY, a_turn("later", wait=True), WINDOW)
    assert isinstance(told, Queued)
    assert (told.session.turns, told.session.queued, told.session.running) == (2, 0, None)
    await ours.close()
    await others.close()
