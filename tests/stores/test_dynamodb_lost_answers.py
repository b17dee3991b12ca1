"""DynamoDB does what it was asked, and its answer gets lost: what is said twice is done once."""

import os
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from sessionful.domain.error import (
    SessionBusy,
    SessionExists,
    StoreUnavailable,
)
from sessionful.domain.session import Position, Segment, SessionChange
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, texts
from tests.contracts.writer import begin, begin_next, take_over, wait_in_line
from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_spoils import WRITES, losing_answers
from tests.stores.dynamodb_talk import NOISE

CHILD = a_key("child")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


async def test_a_lost_answer_to_settle_leaves_one_entry_and_no_error(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    table.relay.spoil = losing_answers("TransactWriteItems")
    head = await writer.settle()
    table.relay.spoil = None
    assert await table.log.get(KEY) == head
    assert await table.log.read(head, 10) == writer.stored
    assert head.version == 3


@pytest.mark.parametrize("size", [1, 300_000])
async def test_a_step_that_is_said_again_after_its_answer_never_came_is_one_step(table: Bench, size: int) -> None:
    def losing_all(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        if operation == "TransactWriteItems":
            raise LostAnswer
        return answer

    await table.log.create(a_session())
    writer = await begin(table.log)
    entry = writer.entry(os.urandom(size).hex())
    table.relay.spoil = losing_all
    with pytest.raises(StoreUnavailable):
        await table.log.append(writer.lease, entry, NOON + 90_000)
    table.relay.spoil = None
    before = len(table.items())
    await table.log.append(writer.lease, entry, NOON + 90_000)
    assert len(table.items()) == before
    writer.stored.append(entry)
    head = await writer.settle("done")
    assert await table.log.read(head, 10) == writer.stored
    assert head.version == 4


async def test_a_group_whose_answer_never_came_is_told_once(table: Bench) -> None:
    def losing_all(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        if operation == "UpdateItem":
            raise LostAnswer
        return answer

    await table.log.create(a_session())
    writer = await begin(table.log)
    groups = ["one", NOISE, "three"]
    for group in groups:
        table.relay.spoil = losing_all
        with pytest.raises(StoreUnavailable):
            await writer.flush(group)
        table.relay.spoil = None
        assert (await table.log.watch(KEY)).flushed == groups[: writer.told + 1]
        await writer.flush(group)
    assert (await table.log.watch(KEY)).flushed == groups
    await writer.settle()


async def test_a_turn_that_began_without_its_caller_hearing_of_it_is_not_lost(table: Bench, clock: ManualClock) -> None:
    def losing_all(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        if operation == "TransactWriteItems":
            raise LostAnswer
        return answer

    await table.log.create(a_session())
    writer = await begin(table.log)
    await wait_in_line(table.log)
    await writer.settle()
    table.relay.spoil = losing_all
    with pytest.raises(StoreUnavailable):
        await begin_next(table.log)
    table.relay.spoil = None
    assert await table.log.begin_next(KEY, LEASE_MS, WINDOW) is None
    clock.advance(LEASE_MS)
    head = await (await take_over(table.log)).settle()
    assert texts(await table.log.turn(head, 2)) == ["later", "done"]


async def lives(log: DynamoDBLog, clock: ManualClock) -> list[Any]:
    """Everything that can be done to sessions, with what came of it."""
    told: list[Any] = []
    nonces = (f"nonce{number}" for number in count())

    async def turn(key: Any, text: str, **fields: Any) -> None:
        writer = await begin(log, key, text, nonce=next(nonces), **fields)
        told.append(writer.session)
        await writer.append("step", lease_until=NOON + 500_000)
        await writer.flush("told", NOISE, os.environ.get("HOME", "") * 200, lease_until=NOON + 600_000)
        await writer.flush(lease_until=NOON + 700_000)
        told.append(await log.watch(key))
        told.append(await writer.settle("done"))

    entries = [an_entry("one", Position(1, 1)), an_entry("two", Position(2, 1), message_count=2)]
    told.append(await log.create(a_session(log="log1", turns=2, last=Position(2, 1), message_count=2), entries))
    told.append(await log.create(a_session(a_key("big"), log="log2", system=os.environ.get("HOME", "") * 3_000)))
    await turn(KEY, "plain")
    await turn(KEY, "keyed", idempotency_key="once", request_hash="h")
    await turn(KEY, "long " * 100_000)
    told.append(await log.insert(KEY, an_entry("aside")))
    told.append(await log.change(KEY, SessionChange(title="Rome", state={"n": 1})))
    told.append(await log.change(a_key("big"), SessionChange(state={"s": "x" * 50_000})))
    told.append(await log.fork(KEY, Position(3, 2), a_session(CHILD, log="log3")))
    told.append(await log.fork(CHILD, None, a_session(a_key("leaf"), log="log4")))
    await turn(CHILD, "on")
    told.append(await log.rebase(KEY, [Segment(log="log1", upto=Position(2, 1))], 2, state={"n": 0}))
    told.append(await log.begin(KEY, a_turn("first", nonce="first", wait=True), WINDOW))
    for text in ("second", "long " * 100_000, "fourth"):
        fields: Any = {} if text == "second" else {"idempotency_key": text[:4], "request_hash": "h"}
        told.append(await wait_in_line(log, KEY, text, nonce=next(nonces), **fields))
    await log.ask_cancel(KEY, 9)
    told.append(await log.queued(KEY))
    clock.advance(LEASE_MS)
    writer = await take_over(log)
    await log.release(writer.lease)
    told.append(await (await take_over(log)).settle("closed"))
    for _ in range(3):
        writer = await begin_next(log)
        told.append(writer.session)
        told.append(await writer.settle("waited"))
    writer = await begin(log, KEY, "dead", nonce="dead")
    await log.ask_cancel(KEY, writer.lease.turn)
    clock.advance(LEASE_MS + 1)
    told.append(await (await take_over(log)).settle("closed"))
    clock.advance(-2 * LEASE_MS - 1)
    told.append(await log.read(await log.get(CHILD), 100))
    await log.delete(KEY)
    told.append(await log.read(await log.get(a_key("leaf")), 100))
    return told


async def test_whatever_is_asked_happens_once_when_every_first_answer_is_lost(table: Bench, clock: ManualClock) -> None:
    async with bench("moto", clock) as undisturbed:
        expected = await lives(undisturbed.log, clock)
        count_expected = len(undisturbed.items())
    table.relay.spoil = losing_answers(*WRITES)
    told = await lives(table.log, clock)
    for one, other in zip(told, expected, strict=True):
        assert one == other
    assert len(table.items()) == count_expected
    for id in ("child", "leaf", "big"):
        await table.log.delete(a_key(id))
    assert table.items() == []


async def test_a_session_that_exists_is_not_taken_for_ones_own(table: Bench) -> None:
    same = a_session()
    await table.log.create(same)
    with pytest.raises(SessionExists):
        await table.log.create(same)
    many = [an_entry(str(turn), Position(turn, 1), message_count=turn) for turn in range(1, 61)]
    imported = a_session(CHILD, turns=60, last=Position(60, 1), message_count=60)
    await table.log.create(imported, many)
    with pytest.raises(SessionExists):
        await table.log.create(imported, many)
    assert await table.log.read(imported, 100) == many
    entry = an_entry("twice")
    await table.log.insert(KEY, entry)
    await table.log.insert(KEY, entry)
    assert texts(await table.log.read(same, 10)) == ["twice", "twice"]


async def test_a_lost_answer_does_not_hide_that_somebody_else_was_first(table: Bench, clock: ManualClock) -> None:
    await table.log.create(a_session())
    await begin(table.log)
    table.relay.spoil = losing_answers(*WRITES)
    with pytest.raises(SessionBusy):
        await table.log.begin(KEY, a_turn(), WINDOW)
    clock.advance(LEASE_MS)
    first = await table.log.take_over(KEY, clock() + LEASE_MS)
    assert first is not None
    assert await table.another().take_over(KEY, clock() + LEASE_MS) is None
