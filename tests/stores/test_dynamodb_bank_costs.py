"""What memories cost on DynamoDB: real requests, counted on the wire, and units from the sizes of their items."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from tests.contracts.bank_samples import HERE, MINE, SHARED, a_memory, a_source, a_summary, everything
from tests.contracts.clock import ManualClock
from tests.stores.dynamodb_banks import LOG, MODEL, BankBench, a_fact, a_vector, bank_bench, put_beside
from tests.stores.dynamodb_servers import SERVERS
from tests.stores.dynamodb_units import READ_UNIT, item_size


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[BankBench]:
    async with bank_bench(request.param, clock) as opened:
        opened.relay.watch = opened.meter.watch
        yield opened


async def search(table: BankBench, number: int = 0) -> list[str]:
    found = await table.bank.search(MINE, a_vector(number), MODEL, ["violinist"], 5)
    return [one.memory.text for one in found]


async def test_a_memory_of_a_sentence_with_its_vector_takes_less_than_a_write_unit(table: BankBench) -> None:
    await table.bank.store([a_fact(0), a_fact(1, HERE), a_fact(2, SHARED)])
    sizes = [item_size(item) for item in table.items()]
    assert len(sizes) == 9
    assert max(sizes) < 640


async def test_the_first_memory_of_a_scope_is_two_requests_and_six_write_units(table: BankBench) -> None:
    await table.bank.store([a_fact(0)])
    assert table.meter.requests == ["GetItem", "TransactWriteItems"]
    assert (table.meter.writes, table.meter.reads) == (6, 1)


@pytest.mark.parametrize("count", [1, 5, 40])
async def test_facts_of_a_known_scope_are_one_read_and_one_write_however_many_are_there(
    table: BankBench, count: int
) -> None:
    await table.bank.store([a_fact(number) for number in range(100)])
    table.meter.reset()
    await table.bank.store([a_fact(number) for number in range(100, 100 + count)])
    assert table.meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert (table.meter.writes, table.meter.reads) == (4 * count + 2, 2 * count)


async def test_what_is_said_again_costs_three_requests_and_four_write_units(table: BankBench) -> None:
    await table.bank.store([a_fact(0)])
    table.meter.reset()
    again = a_memory(a_fact(0).text, sources=(a_source(LOG, 9),))
    await table.bank.store([again])
    assert table.meter.requests == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]
    assert table.meter.writes == 4
    table.meter.reset()
    await table.bank.store([again])
    assert table.meter.requests == ["BatchGetItem", "BatchGetItem"]
    assert table.meter.writes == 0


async def test_a_contradiction_is_two_requests(table: BankBench) -> None:
    first = a_fact(0)
    await table.bank.store([first])
    table.meter.reset()
    await table.bank.supersede(MINE, first.id, a_fact(1))
    assert table.meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert table.meter.writes == 10


async def test_a_search_of_a_scope_that_was_read_is_one_request_of_one_unit(table: BankBench) -> None:
    await table.bank.store([a_fact(number) for number in range(100)])
    await search(table)
    table.meter.reset()
    assert (await search(table, 7))[0] == a_fact(7).text
    assert (await everything(table.bank))[0].text == a_fact(99).text
    assert (await table.bank.unlike(MINE, "other", 3)) != []
    assert table.meter.requests == ["GetItem"] * 3
    assert table.meter.reads == 3


async def test_a_search_of_an_empty_scope_is_one_request(table: BankBench) -> None:
    for _ in range(2):
        assert await search(table) == []
    assert table.meter.requests == ["GetItem"] * 2


async def test_what_this_process_wrote_is_not_read_again(table: BankBench) -> None:
    await table.bank.store([a_fact(0)])
    await search(table)
    table.meter.reset()
    await table.bank.store([a_fact(1)])
    await table.bank.delete(MINE, (await table.bank.store([a_fact(2)]))[0].id)
    table.meter.reset()
    assert sorted(await search(table)) == [a_fact(0).text, a_fact(1).text]
    assert table.meter.requests == ["GetItem"]


async def test_what_another_process_wrote_is_read_and_nothing_else(table: BankBench) -> None:
    await table.bank.store([a_fact(number) for number in range(100)])
    await search(table)
    elsewhere = table.another()
    for number in range(100, 110):
        await elsewhere.store([a_fact(number)])
    await elsewhere.close()
    table.meter.reset()
    assert (await search(table, 105))[0] == a_fact(105).text
    assert table.meter.requests == ["GetItem", "BatchGetItem"]
    assert table.meter.reads == 11


async def test_a_process_that_is_too_far_behind_reads_the_scope_anew(table: BankBench) -> None:
    await table.bank.store([a_fact(number) for number in range(40)])
    await search(table)
    elsewhere = table.another()
    for number in range(40, 80):
        await elsewhere.store([a_fact(number)])
    await elsewhere.close()
    table.meter.reset()
    assert (await search(table, 41))[0] == a_fact(41).text
    assert table.meter.requests == ["GetItem", "Query"]


async def test_a_scope_is_read_once_in_pages_of_a_megabyte(table: BankBench) -> None:
    await table.bank.store([a_fact(0)])
    await asyncio.to_thread(put_beside, table, [a_fact(number) for number in range(1, 2_200)])
    table.meter.reset()
    elsewhere = table.another()
    found = await elsewhere.search(MINE, a_vector(1_234), MODEL, [], 3)
    assert found[0].memory.text == a_fact(1_234).text
    assert table.meter.requests == ["GetItem", "Query", "Query"]
    bytes_ = sum(item_size(item) for item in table.items() if item["sk"]["S"].startswith("M#"))
    assert table.meter.reads <= 1 + 2 + math.ceil(bytes_ / READ_UNIT)
    assert 1_000_000 / (bytes_ / 2_200) > 1_800
    table.meter.reset()
    await elsewhere.search(MINE, a_vector(1), MODEL, [], 3)
    assert table.meter.requests == ["GetItem"]
    await elsewhere.close()


async def test_a_memory_is_got_by_one_request_and_deleted_by_two(table: BankBench) -> None:
    facts = [a_fact(number) for number in range(100)]
    await table.bank.store(facts)
    table.meter.reset()
    await table.bank.get(MINE, facts[3].id)
    assert (table.meter.requests, table.meter.reads) == (["GetItem"], 1)
    table.meter.reset()
    await table.bank.delete(MINE, facts[3].id)
    assert table.meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert table.meter.writes == 6


async def test_summaries_are_kept_and_read_by_one_request_each(table: BankBench) -> None:
    for turn in range(1, 30):
        table.meter.reset()
        await table.bank.keep_summary("ada", "guide", a_summary(f"until {turn}", turn))
        assert table.meter.requests == ["PutItem"]
        assert table.meter.writes == 1
    table.meter.reset()
    assert await table.bank.summary("ada", "guide", "log") == a_summary("until 29", 29)
    assert (table.meter.requests, table.meter.reads) == (["Query"], 1)
