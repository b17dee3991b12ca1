"""DynamoDB stumbles: it throttles, loses answers, goes away. Nothing is half-written, and nothing is done twice."""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from sessionful.domain.error import (
    AgentError,
    LeaseLost,
    RateLimited,
    SessionBusy,
    SessionExists,
    SessionNotFound,
    StoreUnavailable,
)
from sessionful.domain.message import Message
from sessionful.domain.session import Position, Segment, SessionChange
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, texts
from tests.contracts.writer import begin, take_over, take_turn
from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer, throttled
from tests.stores.dynamodb_servers import SERVERS, Bench, bench, client_of

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
CHILD = a_key("child")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


def failing(times: float, answer: Callable[[], Answer], *operations: str) -> Callable[[str, Json, Forward], Answer]:
    """The first `times` requests of these kinds get this answer, and do not reach the table."""
    failed = count(1)

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        if (not operations or operation in operations) and next(failed) <= times:
            return answer()
        return forward()

    return spoil


def losing_answers(*operations: str) -> Callable[[str, Json, Forward], Answer]:
    """What is asked for is done, and the first answer to each such request never arrives."""
    lost: Counter[str] = Counter()

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        asked = json.dumps(request, sort_keys=True)
        lost[asked] += 1
        if operation in operations and lost[asked] == 1:
            raise LostAnswer
        return answer

    return spoil


def cancelled(*codes: str) -> Answer:
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled [{', '.join(codes)}]",
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return Answer(400, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(body).encode())


STUMBLES: dict[str, Callable[[], Answer]] = {
    "throttled": throttled,
    "over capacity": lambda: throttled("ProvisionedThroughputExceededException"),
    "internal error": lambda: throttled("InternalServerError", 500),
    "unavailable": lambda: throttled("ServiceUnavailable", 503),
    "conflict": lambda: throttled("TransactionConflictException"),
}


@pytest.mark.parametrize("stumble", STUMBLES)
async def test_a_turn_does_not_notice_that_each_kind_of_request_fails_twice(table: Bench, stumble: str) -> None:
    await table.log.create(a_session())
    tried: Counter[str] = Counter()

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        tried[operation] += 1
        return STUMBLES[stumble]() if tried[operation] <= 2 else forward()

    table.relay.spoil = spoil
    head = await take_turn(table.log, KEY, "hello", "a", "b")
    assert texts(await table.log.read(head, 10)) == ["hello", "a", "b"]
    assert tried["UpdateItem"] == 3


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
async def test_a_transaction_that_only_collided_is_tried_again(table: Bench, code: str) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    table.relay.spoil = failing(3, lambda: cancelled("None", code), "TransactWriteItems")
    head = await writer.settle()
    assert texts(await table.log.read(head, 10)) == ["hello", "done"]


async def test_who_is_throttled_for_long_is_asked_to_come_back(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    before = table.items()
    table.relay.spoil = failing(float("inf"), throttled)
    for refused in (writer.settle(), table.log.get(KEY), table.log.list_sessions("ada", ["guide"], 5)):
        with pytest.raises(RateLimited) as refusal:
            await refused
        assert refusal.value.retry_after is not None
        assert refusal.value.retry_after > 0
    table.relay.spoil = None
    assert table.items() == before
    await writer.settle()


async def test_a_store_that_is_away_says_so_and_tells_no_secrets(table: Bench) -> None:
    await table.log.create(a_session())
    table.relay.spoil = failing(float("inf"), lambda: throttled("InternalServerError", 500))
    with pytest.raises(StoreUnavailable):
        await table.log.get(KEY)
    nowhere = DynamoDBLog(client_of("http://127.0.0.1:9"), table.table)
    with pytest.raises(StoreUnavailable) as refusal:
        await nowhere.get(KEY)
    await nowhere.close()
    assert "127.0.0.1" not in f"{refusal.value.message}{refusal.value.details}"


async def test_a_request_that_is_refused_for_good_is_not_repeated(table: Bench) -> None:
    denied = throttled("AccessDeniedException")
    told = json.loads(denied.body) | {"message": "User: arn:aws:iam::123456789012:user/ada is not authorized"}
    table.relay.spoil = failing(float("inf"), lambda: denied._replace(body=json.dumps(told).encode()))
    with pytest.raises(StoreUnavailable) as refusal:
        await table.log.get(KEY)
    assert len(table.relay.heard) == 1
    assert refusal.value.details == {"reason": "AccessDeniedException"}
    assert "123456789012" not in refusal.value.message


async def test_a_closed_store_says_so(table: Bench) -> None:
    log = table.another()
    await log.close()
    with pytest.raises(StoreUnavailable):
        await log.get(KEY)


async def test_a_turn_whose_past_cannot_be_read_is_given_back(table: Bench) -> None:
    await table.log.create(a_session())
    await take_turn(table.log)
    table.relay.spoil = failing(float("inf"), throttled, "Query")
    with pytest.raises(RateLimited):
        await table.log.begin(KEY, a_turn(), WINDOW)
    table.relay.spoil = None
    head = await table.log.get(KEY)
    assert (head.running, head.last) == (None, (1, 1))
    writer = await begin(table.log)
    assert texts(writer.past) == ["hello", "done"]
    await writer.settle()


async def test_a_lost_answer_to_settle_leaves_one_entry_and_no_error(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    table.relay.spoil = losing_answers("TransactWriteItems")
    head = await writer.settle()
    table.relay.spoil = None
    assert await table.log.get(KEY) == head
    assert await table.log.read(head, 10) == writer.stored
    assert head.version == 3


async def lives(log: DynamoDBLog, clock: ManualClock) -> list[Any]:
    """Everything that can be done to sessions, with what came of it."""
    told: list[Any] = []
    nonces = (f"nonce{number}" for number in count())

    async def turn(key: Any, text: str, **fields: Any) -> None:
        writer = await begin(log, key, text, nonce=next(nonces), **fields)
        told.append(writer.session)
        await writer.append("step", lease_until=NOON + 500_000)
        told.append(await log.renew(writer.lease, NOON + 600_000))
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
    told.append(await log.rebase(KEY, [Segment(log="log1", upto=Position(2, 1))], 2))
    writer = await begin(log, KEY, "dead", nonce="dead")
    await log.ask_cancel(KEY, writer.lease.turn)
    clock.advance(LEASE_MS + 1)
    told.append(await (await take_over(log)).settle("closed"))
    clock.advance(-LEASE_MS - 1)
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


class Killed(BaseException):
    """The process ends here."""


def dying_at(number: int, done: bool) -> Callable[[str, Json, Forward], Answer]:
    """The process is killed at its `number`th write, which is still done or is not."""
    writes = count(1)

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        now = next(writes) if operation in WRITES else 0
        if now == number and done:
            forward()
        if now >= number:
            return throttled("UnrecognizedClientException")  # nothing it says counts any more
        return forward()

    return spoil


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
        big = a_session(CHILD, state={"s": os.urandom(4_000).hex()})
        died = await until_killed(table, lambda log, big=big: log.fork(KEY, None, big), number, done)  # type: ignore[misc]
        await table.log.delete(KEY)
        try:
            child = await table.log.get(CHILD)
        except SessionNotFound:
            child = None
        if child is not None:
            assert len(texts(await table.log.read(child, 10))) == 2
            await table.log.delete(CHILD)
        assert [item["sk"]["S"] for item in table.items() if not item["sk"]["S"].startswith("D#")] == []
        if not died:
            break
        for item in table.items():  # settings of a head that was never made: they lie in the child's own partition
            table.client.delete_item(TableName=table.table, Key={name: item[name] for name in ("pk", "sk")})
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


async def test_only_errors_of_the_family_come_out(table: Bench) -> None:
    await table.log.create(a_session())
    table.client.delete_table(TableName=table.table)
    for work in (
        table.log.create(a_session(CHILD)),
        table.log.get(KEY),
        table.log.begin(KEY, a_turn(message=Message.user("x")), WINDOW),
        table.log.delete(KEY),
    ):
        with pytest.raises(AgentError):
            await work
    from sessionful.stores.dynamodb.table import create_table

    create_table(table.client, table.table)
