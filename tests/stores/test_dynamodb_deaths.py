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
from sessionful.domain.turn import Group
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, texts
from tests.contracts.writer import begin, begin_next, take_over, take_turn, wait_in_line
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_spoils import dying_at
from tests.stores.dynamodb_talk import NOISE

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


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("size", [1, 700_000])
async def test_a_writer_that_died_while_it_flushed_has_told_all_of_the_group_or_nothing(
    table: Bench, clock: ManualClock, done: bool, size: int
) -> None:
    told = ["one", NOISE, "three"]
    for number in count(1):
        await table.log.create(a_session())
        writer = await begin(table.log)
        await writer.flush(*told, lease_until=clock())
        group = Group(4, os.urandom(size).hex())
        died = await until_killed(table, lambda log, w=writer, g=group: log.flush(w.lease, g, NOON), number, done)  # type: ignore[misc]
        flushed = (await table.log.watch(KEY)).flushed
        assert flushed in (told, [*told, group.text])
        successor = await take_over(table.log)
        assert successor.flushed == flushed
        await successor.flush("again")
        assert (await table.log.watch(KEY)).flushed == ["again"]
        await successor.settle()
        await table.log.delete(KEY)
        assert table.items() == []
        if not died:
            break
    assert number >= (3 if size > 1 else 2)


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_turn_that_waits_is_not_lost_when_whoever_begins_it_dies(
    table: Bench, clock: ManualClock, done: bool
) -> None:
    for number in count(1):
        await table.log.create(a_session(at=clock()))
        writer = await begin(table.log)
        await wait_in_line(table.log, KEY, "x" * 100_000, idempotency_key="once")
        await wait_in_line(table.log, KEY, "last")
        await writer.settle()
        died = await until_killed(table, lambda log: log.begin_next(KEY, LEASE_MS, WINDOW), number, done)
        clock.advance(LEASE_MS)
        if (await table.log.get(KEY)).running is None:
            writer = await begin_next(table.log)
        else:
            writer = await take_over(table.log, lease_until=clock() + LEASE_MS)
        await writer.settle()
        head = await (await begin_next(table.log)).settle()
        told = texts(await table.log.read(head, 10))
        assert told == ["hello", "done", "x" * 100_000, "done", "last", "done"]
        assert head.queued == 0
        await table.log.delete(KEY)
        assert table.items() == []
        if not died:
            break
    assert number >= 2


async def test_a_message_that_was_not_admitted_leaves_no_pieces(table: Bench) -> None:
    await table.log.create(a_session())
    await begin(table.log)
    before = table.items()
    with pytest.raises(SessionBusy):
        await table.log.begin(KEY, a_turn("x" * 3_000_000), WINDOW)
    assert table.items() == before


@pytest.mark.parametrize("wait", [True, False])
async def test_a_message_whose_session_is_deleted_while_it_comes_leaves_no_pieces(table: Bench, wait: bool) -> None:
    await table.log.create(a_session())
    if wait:
        await begin(table.log)
    (head,) = table.items()

    def deleted(operation: str, request: Json, forward: Forward) -> Answer:
        if operation in ("TransactWriteItems", "UpdateItem"):
            table.client.delete_item(TableName=table.table, Key={name: head[name] for name in ("pk", "sk")})
        return forward()

    table.relay.spoil = deleted
    with pytest.raises(SessionNotFound):
        await table.log.begin(KEY, a_turn(os.urandom(30_000).hex(), wait=wait), WINDOW)
    assert table.items() == []


async def test_a_late_step_in_pieces_is_not_left_behind(table: Bench, clock: ManualClock) -> None:
    await table.log.create(a_session())
    old = await begin(table.log)
    clock.advance(LEASE_MS)
    await take_over(table.log)
    before = table.items()
    with pytest.raises(LeaseLost):
        await old.append(os.urandom(200_000).hex())
    assert table.items() == before
