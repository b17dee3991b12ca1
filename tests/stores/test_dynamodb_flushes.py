"""Groups on DynamoDB: in the head while there is room, then in chunks; whatever comes late or twice changes nothing."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import pytest

from sessionful.domain.error import LeaseLost, StoreUnavailable
from sessionful.domain.session import SessionChange
from sessionful.domain.turn import Group
from sessionful.stores.dynamodb.groups import CHUNK_SECONDS
from sessionful.stores.dynamodb.table import EXPIRY
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_session
from tests.contracts.writer import Writer, begin, take_over
from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_spoils import throttled
from tests.stores.dynamodb_talk import ANSWER, NOISE, groups_of
from tests.stores.dynamodb_units import item_size

GROUPS = list(groups_of(ANSWER))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


async def a_writer(table: Bench) -> Writer:
    await table.log.create(a_session())
    return await begin(table.log)


def chunks(table: Bench) -> list[Json]:
    return [item for item in table.items() if item["sk"]["S"].startswith("T#")]


def catching(caught: list[Forward], operation: str) -> Callable[[str, Json, Forward], Answer]:
    """Requests of this kind do not arrive: they are in `caught`, to be forwarded later."""

    def spoil(heard: str, request: Json, forward: Forward) -> Answer:
        if heard != operation:
            return forward()
        caught.append(forward)
        return throttled("UnrecognizedClientException")

    return spoil


async def test_a_flush_that_arrives_after_the_next_one_is_refused(table: Bench) -> None:
    writer = await a_writer(table)
    caught: list[Forward] = []
    for first in (0, 2):
        table.relay.spoil = catching(caught, "UpdateItem")
        with pytest.raises(StoreUnavailable):
            await writer.flush(GROUPS[first])
        table.relay.spoil = None
        await writer.flush(*GROUPS[first : first + 2])
    for forward in caught:
        assert (await asyncio.to_thread(forward)).status == 400
    assert (await table.log.watch(KEY)).flushed == GROUPS[:4]


async def test_a_flush_that_arrives_after_its_step_was_stored_is_refused(table: Bench) -> None:
    writer = await a_writer(table)
    await writer.flush(GROUPS[0])
    caught: list[Forward] = []
    table.relay.spoil = catching(caught, "UpdateItem")
    with pytest.raises(StoreUnavailable):
        await writer.flush(GROUPS[1])
    table.relay.spoil = None
    await writer.append()
    assert (await asyncio.to_thread(caught[0])).status == 400
    assert (await table.log.watch(KEY)).flushed == []


async def test_a_chunk_that_no_flush_came_to_point_at_is_never_seen(table: Bench) -> None:
    writer = await a_writer(table)
    await writer.flush("one", NOISE)
    caught: list[Forward] = []
    table.relay.spoil = catching(caught, "UpdateItem")
    with pytest.raises(StoreUnavailable):
        await table.log.flush(writer.lease, Group(3, NOISE[::-1]), NOON + LEASE_MS)
    table.relay.spoil = None
    for number, text in ((5, "three"), (6, NOISE), (7, "five")):
        await table.log.flush(writer.lease, Group(number, text), NOON + LEASE_MS)
    assert len(chunks(table)) == 3
    elsewhere = table.another()
    for log in (table.log, elsewhere):
        assert (await log.watch(KEY)).flushed == ["one", NOISE, "three", NOISE, "five"]
    await elsewhere.close()


async def test_a_holder_that_lost_its_lease_while_it_wrote_a_chunk_leaves_none(
    table: Bench, clock: ManualClock
) -> None:
    old = await a_writer(table)
    await old.flush("one", NOISE, lease_until=clock())
    successor = await take_over(table.log)
    before = table.items()
    with pytest.raises(LeaseLost):
        await old.flush(os.urandom(400_000).hex())
    with pytest.raises(LeaseLost):
        await old.flush("two")
    assert table.items() == before
    assert (await table.log.watch(KEY)).flushed == successor.flushed == ["one", NOISE]


async def test_a_chunk_whose_flush_was_done_unheard_just_before_a_take_over_is_handed_on(table: Bench) -> None:
    old = await a_writer(table)
    (head,) = [item for item in table.items() if item["sk"]["S"] == "H"]

    def taken_over_unheard(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        if operation == "UpdateItem" and table.relay.spoil is not None:
            table.relay.spoil = None
            taking = {"UpdateExpression": "ADD e :one, v :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
            at = {name: head[name] for name in ("pk", "sk")}
            table.client.update_item(TableName=table.table, Key=at, **taking)
            raise LostAnswer
        return answer

    table.relay.spoil = taken_over_unheard
    with pytest.raises(LeaseLost):
        await old.flush(NOISE)
    assert (await table.log.watch(KEY)).flushed == [NOISE]


async def test_a_holder_goes_on_in_a_process_that_knows_nothing_of_its_groups(table: Bench) -> None:
    writer = await a_writer(table)
    for number, text in enumerate(GROUPS, start=1):
        log = table.another()
        await log.flush(writer.lease, Group(number, text), NOON + LEASE_MS)
        await log.close()
    assert (await table.log.watch(KEY)).flushed == GROUPS


async def test_who_watches_from_elsewhere_sees_each_group_once_while_steps_come_and_go(table: Bench) -> None:
    writer = await a_writer(table)
    reader = table.another()
    done = asyncio.Event()
    steps = [[f"{step}.{number}.{'x' * 400}" for number in range(20)] for step in range(4)]

    async def write() -> None:
        for groups in steps:
            await writer.flush(*groups)
            await writer.append()
        done.set()

    async def follow() -> None:
        while not done.is_set():
            seen = await reader.watch(KEY)
            step = seen.session.last.step
            assert seen.flushed == (steps[step] if step < len(steps) else [])[: len(seen.flushed)]

    await asyncio.gather(write(), follow())
    await reader.close()


async def test_settings_that_change_meanwhile_do_not_disturb_what_is_told(table: Bench) -> None:
    writer = await a_writer(table)
    for number, text in enumerate(GROUPS[:12]):
        await writer.flush(text)
        await table.log.change(KEY, SessionChange(metadata={"n": os.urandom(number * 40).hex()}))
    assert (await table.log.watch(KEY)).flushed == GROUPS[:12]
    assert (await writer.settle()).metadata["n"]


async def test_groups_are_erased_by_the_table_when_a_dead_turn_has_waited_long_enough(
    table: Bench, clock: ManualClock
) -> None:
    writer = await a_writer(table)
    await writer.flush("one", NOISE, "three")
    for chunk in chunks(table):
        assert int(chunk[EXPIRY]["N"]) == clock() // 1000 + CHUNK_SECONDS
        table.client.delete_item(TableName=table.table, Key={name: chunk[name] for name in ("pk", "sk")})
    clock.advance(CHUNK_SECONDS * 1000)
    assert (await table.log.watch(KEY)).flushed == []
    assert (await take_over(table.log)).flushed == []


async def test_no_chunk_is_larger_than_an_item_may_be(table: Bench) -> None:
    writer = await a_writer(table)
    groups = [os.urandom(size // 2).hex() for size in (2_000, 800_000, 3_000_000, 100)]
    await writer.flush(*groups)
    assert max(map(item_size, table.items())) < 400 * 1024
    elsewhere = table.another()
    assert (await elsewhere.watch(KEY)).flushed == groups
    await elsewhere.close()
