"""What it costs on DynamoDB to keep a turn's words while they stream, to follow them, and to wait in line."""

from collections.abc import AsyncIterator

import pytest

from sessionful.domain.turn import Group
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_session
from tests.contracts.writer import begin, begin_next, wait_in_line
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_talk import ANSWER, HUNDRED, NOISE, WINDOW, a_session_of, groups_of


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        opened.relay.watch = opened.meter.watch
        yield opened


async def test_an_answer_of_five_hundred_tokens_in_thirty_seconds_is_sixty_write_units_at_most(table: Bench) -> None:
    await a_session_of(table, 1_000)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    groups = list(groups_of(ANSWER))
    assert len(groups) == 43
    await writer.flush(*groups)
    told = table.meter.writes
    assert (await table.log.watch(KEY)).flushed == groups
    await writer.settle(ANSWER)
    assert told <= 52
    assert table.meter.writes <= 60
    assert len([name for name in table.meter.requests if name not in ("GetItem", "Query")]) <= 52


async def test_a_step_of_many_flushes_costs_each_of_them_the_same(table: Bench) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    costs = []
    for part in range(4):
        table.meter.reset()
        await writer.flush(*(f'{{"s":1,"part":{part},{text[7:]}' for text in groups_of(ANSWER)))
        costs.append(table.meter.writes)
    assert max(costs) - min(costs) <= 3


@pytest.mark.parametrize("length", [380, 700, 2_500, 30_000])
async def test_a_long_message_is_not_written_again_with_every_flush(table: Bench, length: int) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, (ANSWER + NOISE * 10)[:length], WINDOW)
    table.meter.reset()
    await writer.flush(*groups_of(ANSWER))
    assert table.meter.writes <= 56


async def test_to_prolong_is_one_unit_and_to_look_for_a_wish_to_cancel_half_a_read(table: Bench) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    await writer.flush(*list(groups_of(ANSWER))[:3])
    table.meter.reset()
    await writer.flush()
    assert (table.meter.requests, table.meter.writes) == (["UpdateItem"], 1)
    table.meter.reset()
    assert await table.log.peek(writer.lease) is False
    assert (table.meter.requests, table.meter.reads) == (["GetItem"], 0.5)


async def test_to_watch_is_one_read_and_one_more_when_there_is_a_new_chunk(table: Bench) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    told, reads = [], []
    for text in groups_of(ANSWER):
        await writer.flush(text)
        told.append(text)
        table.meter.reset()
        assert (await table.log.watch(KEY)).flushed == told
        reads.append(table.meter.reads)
    assert set(reads) == {1, 2}
    assert reads.count(2) <= 8
    table.meter.reset()
    await table.log.watch(KEY)
    assert (table.meter.requests, table.meter.reads) == (["GetItem"], 1)


async def test_a_turn_that_would_wait_costs_the_same_where_it_need_not(table: Bench) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW, wait=True)
    await writer.settle(HUNDRED)
    assert sorted(table.meter.requests) == ["Query", "TransactWriteItems", "UpdateItem"]
    assert table.meter.writes == 5


async def test_to_wait_and_to_begin_after_it_are_one_write_each(table: Bench) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    table.meter.reset()
    await wait_in_line(table.log, KEY, HUNDRED)
    assert table.meter.requests.count("TransactWriteItems") == 1
    assert table.meter.writes == 1 + 4  # the blind write that found the session taken, and the transaction
    await writer.settle(HUNDRED)
    table.meter.reset()
    following = await begin_next(table.log)
    assert sorted(table.meter.requests) == ["GetItem", "Query", "Query", "TransactWriteItems"]
    assert table.meter.writes == 4
    await following.settle(HUNDRED)


async def test_a_group_far_too_long_for_the_head_costs_its_own_size_once(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    table.meter.reset()
    result = ANSWER.replace("\n", " ") * 2
    await table.log.flush(writer.lease, Group(1, result), NOON + LEASE_MS)
    assert (sorted(table.meter.requests), table.meter.writes) == (["BatchWriteItem", "UpdateItem"], 3)
    table.meter.reset()
    await table.log.flush(writer.lease, Group(2, "short"), NOON + LEASE_MS)
    assert table.meter.writes == 1
