"""DynamoDB stumbles: it throttles, collides, goes away. It is asked again, and then the caller is."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from sessionful.domain.error import (
    AgentError,
    RateLimited,
    StoreUnavailable,
)
from sessionful.domain.message import Message
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.dynamodb.table import create_table
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, texts
from tests.contracts.writer import begin, begin_next, take_turn, wait_in_line
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_servers import SERVERS, Bench, bench, client_of
from tests.stores.dynamodb_spoils import cancelled, failing, throttled
from tests.stores.dynamodb_talk import NOISE


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


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


async def test_a_turn_that_waited_stays_in_line_when_its_past_cannot_be_read(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    await wait_in_line(table.log)
    await writer.settle()
    before = await table.log.queued(KEY)
    for operation in ("Query", "TransactWriteItems"):
        table.relay.spoil = failing(float("inf"), throttled, operation)
        with pytest.raises(RateLimited):
            await begin_next(table.log)
        table.relay.spoil = None
        assert await table.log.queued(KEY) == before
    assert texts((await begin_next(table.log)).past) == ["hello", "done"]


async def test_a_flush_does_not_notice_that_it_is_throttled_twice(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    groups = ["one", NOISE, "three"]
    for group in groups:
        table.relay.spoil = failing(2, throttled)
        await writer.flush(group)
    table.relay.spoil = None
    assert (await table.log.watch(KEY)).flushed == groups


@pytest.mark.parametrize("operation", ["UpdateItem", "BatchWriteItem"])
async def test_a_group_that_could_not_be_flushed_is_told_the_next_time(table: Bench, operation: str) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    await writer.flush("one")
    table.relay.spoil = failing(float("inf"), throttled, operation)
    with pytest.raises(RateLimited):
        await writer.flush(NOISE)
    table.relay.spoil = None
    assert (await table.log.watch(KEY)).flushed == ["one"]
    await writer.flush(NOISE, "three")
    assert (await table.log.watch(KEY)).flushed == ["one", NOISE, "three"]


async def test_a_turn_whose_groups_cannot_be_read_is_given_back(table: Bench, clock: ManualClock) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    await writer.flush(NOISE, "three", lease_until=clock())
    elsewhere = table.another()
    table.relay.spoil = failing(float("inf"), throttled, "Query")
    with pytest.raises(RateLimited):
        await elsewhere.take_over(KEY, clock() + LEASE_MS)
    table.relay.spoil = None
    taken = await elsewhere.take_over(KEY, clock() + LEASE_MS)
    await elsewhere.close()
    assert taken is not None
    assert (taken.flushed, taken.lease.attempt) == ([NOISE, "three"], 2)


async def test_only_errors_of_the_family_come_out(table: Bench) -> None:
    await table.log.create(a_session())
    table.client.delete_table(TableName=table.table)
    for work in (
        table.log.create(a_session(a_key("child"))),
        table.log.get(KEY),
        table.log.begin(KEY, a_turn(message=Message.user("x")), WINDOW),
        table.log.delete(KEY),
    ):
        with pytest.raises(AgentError):
            await work
    create_table(table.client, table.table)
