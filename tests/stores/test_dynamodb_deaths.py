"""A process dies between two requests: nothing is half-written, and what is left over can be swept."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from sessionful.domain.error import (
    LeaseLost,
    SessionBusy,
    SessionNotFound,
    StoreUnavailable,
)
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, texts
from tests.contracts.writer import begin, take_over, take_turn
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_spoils import dying_at

CHILD = a_key("child")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


async def until_killed(table: Bench, work: Callable[[DynamoDBLog], Awaitable[Any]], number: int, done: bool) -> bool:
    """Whether it died; if not, it had come to its end before."""
    mortal = table.another()
    table.relay.spoil = dying_at(number, done)
    try:
        await work(mortal)
    except StoreUnavailable:
        return True
    finally:
        table.relay.spoil = None
        await mortal.close()
    return False


async def swept(table: Bench) -> None:
    """As whoever follows the table's stream does."""
    for item in table.items():
        if item["sk"]["S"].startswith("R#"):
            await table.log.sweep(item)


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_fork_that_dies_midway_costs_neither_side_its_past_nor_leaves_anything(
    table: Bench, done: bool
) -> None:
    for number in count(1):
        await table.log.create(a_session())
        await take_turn(table.log, KEY, "one", "a" * 200_000)
        died = await until_killed(table, lambda log: log.fork(KEY, None, a_session(CHILD)), number, done)
        await table.log.delete(KEY)
        for child in await table.log.find("ada", "child", ["guide"]):
            assert len(texts(await table.log.read(child, 10))) == 2
            await table.log.delete(CHILD)
        assert table.items() == []
        if not died:
            break
    assert number >= 2


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_deletion_that_dies_midway_is_finished_by_the_sweep(table: Bench, done: bool) -> None:
    for number in count(1):
        await table.log.create(a_session())
        await take_turn(table.log, KEY, "one", "a", "b")
        await table.log.fork(KEY, None, a_session(CHILD))
        await take_turn(table.log, CHILD, "two", "c")
        await table.log.delete(KEY)
        died = await until_killed(table, lambda log: log.delete(CHILD), number, done)
        if not done and number == 1:
            assert len(texts(await table.log.read(await table.log.get(CHILD), 10))) == 5
            await table.log.delete(CHILD)
        with pytest.raises(SessionNotFound):
            await table.log.get(CHILD)
        await swept(table)
        assert table.items() == []
        if not died:
            break
    assert number >= 4


async def test_a_writer_that_died_within_a_step_leaves_no_half_of_it(table: Bench) -> None:
    for number in (1, 2):
        await table.log.create(a_session())
        writer = await begin(table.log)
        big = writer.entry(os.urandom(60_000).hex())
        assert await until_killed(table, lambda log, w=writer, e=big: log.append(w.lease, e, NOON), number, False)  # type: ignore[misc]
        assert await table.log.read(await table.log.get(KEY), 10) == []
        head = await writer.settle("done")
        assert texts(await table.log.read(head, 10)) == ["hello", "done"]
        await table.log.delete(KEY)
        assert table.items() == []


async def test_a_message_that_was_not_admitted_leaves_no_pieces(table: Bench) -> None:
    await table.log.create(a_session())
    await begin(table.log)
    before = table.items()
    with pytest.raises(SessionBusy):
        await table.log.begin(KEY, a_turn("x" * 3_000_000), WINDOW)
    assert table.items() == before


async def test_a_late_step_in_pieces_is_not_left_behind(table: Bench, clock: ManualClock) -> None:
    await table.log.create(a_session())
    old = await begin(table.log)
    clock.advance(LEASE_MS)
    await take_over(table.log)
    before = table.items()
    with pytest.raises(LeaseLost):
        await old.append(os.urandom(200_000).hex())
    assert table.items() == before
