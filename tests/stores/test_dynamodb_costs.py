"""What a turn costs on DynamoDB: real requests, counted on the wire, and units from the sizes of their items."""

import os
import threading
from collections.abc import AsyncIterator

import pytest

from sessionful.domain.session import Position
from sessionful.domain.turn import Window
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, a_key, a_session, an_entry, places
from tests.contracts.writer import begin
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_talk import HUNDRED, WINDOW, a_session_of, take_a_turn
from tests.stores.dynamodb_units import item_size

QUARTER_MS = 15 * 60 * 1000
TURN = ["Query", "TransactWriteItems", "UpdateItem"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        opened.relay.watch = opened.meter.watch
        yield opened


@pytest.mark.parametrize("turns", [10, 1_000, 10_000])
async def test_a_plain_turn_is_three_requests_and_five_write_units_at_any_length(table: Bench, turns: int) -> None:
    await a_session_of(table, turns)
    writer = await take_a_turn(table)
    assert sorted(table.meter.requests) == TURN
    assert table.meter.writes == 5
    assert len(writer.past) == min(turns, WINDOW.entries)
    assert table.meter.reads <= 2
    assert table.meter.entries_read <= WINDOW.entries


@pytest.mark.parametrize(("length", "units"), [(700, 7), (3_000, 9)])
async def test_a_plain_turn_with_a_long_message_is_three_requests_too(table: Bench, length: int, units: int) -> None:
    await a_session_of(table, 10)
    writer = await begin(table.log, KEY, (HUNDRED * 40)[:length], WINDOW)
    await writer.settle(HUNDRED)
    assert sorted(table.meter.requests) == TURN
    assert table.meter.writes <= units


async def test_a_turn_that_renews_the_sessions_mark_costs_one_unit_more(table: Bench, clock: ManualClock) -> None:
    await a_session_of(table, 10)
    costs = []
    for minutes in (14, 1, 5, 10, 60):
        clock.advance(minutes * 60_000)
        table.meter.reset()
        await take_a_turn(table)
        assert sorted(table.meter.requests) == TURN
        costs.append(table.meter.writes)
    assert costs == [5, 6, 5, 6, 6]


async def test_the_write_and_the_read_of_an_admission_are_one_round_trip(table: Bench) -> None:
    await a_session_of(table, 10)
    both_under_way = threading.Barrier(2, timeout=10)

    def together(operation: str, request: Json, forward: Forward) -> Answer:
        both_under_way.wait()
        return forward()

    table.relay.spoil = together
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    table.relay.spoil = None
    assert len(writer.past) == 10
    assert sorted(table.meter.requests) == ["Query", "UpdateItem"]


async def test_the_head_with_the_users_message_and_an_entry_are_each_under_one_kilobyte(table: Bench) -> None:
    await a_session_of(table, 1_000)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    head = next(item for item in table.items() if item["sk"]["S"] == "H")
    assert item_size(head) < 600
    await writer.settle(HUNDRED)
    entry = max((item for item in table.items() if item["sk"]["S"].startswith("L#")), key=lambda item: item["sk"]["S"])
    assert item_size(entry) < 512


async def test_each_further_step_is_one_request_of_four_units(table: Bench) -> None:
    await a_session_of(table, 1_000)
    writer = await begin(table.log, KEY, HUNDRED, WINDOW)
    table.meter.reset()
    for _ in range(5):
        await writer.append(HUNDRED)
    assert (table.meter.requests, table.meter.writes) == (["TransactWriteItems"] * 5, 20)


async def test_a_turn_with_an_idempotency_key_is_four_requests(table: Bench) -> None:
    await a_session_of(table, 1_000)
    await take_a_turn(
        table, idempotency_key="01jd2ghsx0abcdefghjkmnpqrs", request_hash="5d41402abc4b2a76b9719d911017c592"
    )
    assert sorted(table.meter.requests) == ["BatchGetItem", "Query", "TransactWriteItems", "TransactWriteItems"]
    assert table.meter.writes == 8


async def test_a_turn_that_another_process_begins_costs_the_same(table: Bench) -> None:
    await a_session_of(table, 1_000)
    await take_a_turn(table)
    table.meter.reset()
    elsewhere = table.another()
    writer = await begin(elsewhere, KEY, HUNDRED, WINDOW)
    await writer.settle(HUNDRED)
    await elsewhere.close()
    assert sorted(table.meter.requests) == TURN
    assert table.meter.writes == 5


async def test_a_refused_message_costs_one_request_beside_its_read(table: Bench) -> None:
    await a_session_of(table, 10)
    await begin(table.log, KEY, HUNDRED, WINDOW)
    table.meter.reset()
    with pytest.raises(Exception, match="another turn"):
        await begin(table.log, KEY, HUNDRED, WINDOW)
    assert sorted(table.meter.requests) == ["Query", "UpdateItem"]


@pytest.mark.parametrize("turns", [10, 10_000])
async def test_a_fork_is_two_requests_at_its_end_and_three_anywhere_else(table: Bench, turns: int) -> None:
    await a_session_of(table, turns)
    await table.log.fork(KEY, None, a_session(a_key("child")))
    assert table.meter.requests == ["GetItem", "TransactWriteItems"]
    assert (table.meter.writes, table.meter.reads) == (5, 1)
    table.meter.reset()
    middle = await table.log.fork(KEY, Position(turns // 2, 1), a_session(a_key("middle")))
    assert table.meter.requests == ["GetItem", "BatchGetItem", "TransactWriteItems"]
    assert (table.meter.writes, table.meter.reads) == (5, 2)
    table.meter.reset()
    await table.log.fork(middle.key, Position(turns // 4, 1), a_session(a_key("leaf")))
    assert table.meter.requests == ["GetItem", "BatchGetItem", "TransactWriteItems"]


async def test_making_and_finding_a_session_is_one_request_each(table: Bench) -> None:
    await table.log.create(a_session())
    assert (table.meter.requests, table.meter.writes) == (["PutItem"], 2)
    table.meter.reset()
    await table.log.get(KEY)
    await table.log.find("ada", "trip", ["guide", "clerk"])
    assert table.meter.requests == ["GetItem", "BatchGetItem"]
    assert table.meter.writes == 0


async def test_a_list_reads_heads_and_no_entries(table: Bench, clock: ManualClock) -> None:
    for number in range(24):
        clock.advance(60_000)
        await a_session_of(table, 10, f"s{number:02}")
    page = await table.log.list_sessions("ada", ["guide"], 20)
    assert len(page.sessions) == 20
    assert table.meter.requests == ["Query", "BatchGetItem"]
    assert table.meter.entries_read == 0
    assert table.meter.reads == 0.5 + 24 * 0.5


async def test_the_page_of_a_long_list_costs_no_more_than_that_of_a_short_one(table: Bench, clock: ManualClock) -> None:
    costs = []
    for first, end in ((0, 120), (120, 280)):
        table.relay.watch = None
        for number in range(first, end):
            clock.advance(QUARTER_MS // 5)
            await table.log.create(a_session(a_key(f"s{number:03}"), at=clock()))
        table.relay.watch = table.meter.watch
        table.meter.reset()
        page = await table.log.list_sessions("ada", ["guide"], 20)
        assert [session.key.id for session in page.sessions] == [f"s{end - 1 - n:03}" for n in range(20)]
        costs.append((table.meter.requests, table.meter.reads))
    assert costs[0][0] == costs[1][0] == ["Query", "BatchGetItem"]
    assert costs[1][1] - costs[0][1] <= 1  # a fuller page of the index


async def test_what_a_window_reads_follows_the_size_of_the_entries(table: Bench) -> None:
    await a_session_of(table, 10)
    for _ in range(40):
        await table.log.insert(KEY, an_entry(os.urandom(3_000).hex()))
    narrow = Window(entries=1000, bytes=20_000)
    for expected in (None, ["Query", "UpdateItem"]):
        table.meter.reset()
        writer = await begin(table.log, KEY, HUNDRED, narrow)
        assert places(writer.past) == [
            (turn, 1) for turn in range(writer.lease.turn - len(writer.past), writer.lease.turn)
        ]
        if expected is not None:
            assert sorted(table.meter.requests) == expected
            assert table.meter.entries_read <= 8
        await writer.settle(os.urandom(3_000).hex())
