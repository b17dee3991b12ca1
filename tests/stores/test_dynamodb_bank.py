"""What is DynamoDB's own about a bank: lost answers, several processes, expiry, and what lies in the table."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from sessionful.domain.error import MemoryNotFound, RateLimited, StoreUnavailable
from sessionful.domain.memory import Scope
from tests.contracts.bank_samples import HERE, MINE, SHARED, a_memory, a_source, everything, texts_in
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.dynamodb import with_endpoint
from tests.stores.dynamodb_banks import MODEL, BankBench, a_fact, a_vector, bank_bench
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_servers import SERVERS
from tests.stores.dynamodb_spoils import WRITES, dying_at, failing, losing_answers, throttled

MINUTE = 60_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[BankBench]:
    async with bank_bench(request.param, clock) as opened:
        yield opened


async def test_lost_answers_change_nothing(table: BankBench) -> None:
    table.relay.spoil = losing_answers(*WRITES)
    rome, oslo, bern = (a_memory(city, id=city, sources=(a_source("log"),)) for city in ("Rome", "Oslo", "Bern"))
    assert await table.bank.store([rome, oslo]) == [rome, oslo]
    assert (await table.bank.supersede(MINE, "Rome", bern)).supersedes == ("Rome",)
    await table.bank.delete(MINE, "Oslo")
    assert await texts_in(table.bank) == ["Bern"]
    await table.bank.forget(MINE, "log")
    assert table.items() == []
    await table.bank.store([rome, oslo])
    await table.bank.erase(MINE)
    assert table.items() == []


@pytest.mark.skipif(not with_endpoint(), reason="moto takes no notice of a transaction's token")
async def test_a_lost_answer_to_the_last_deletion_of_a_scope_changes_nothing(clock: ManualClock) -> None:
    async with bank_bench("endpoint", clock) as table:
        await table.bank.store([a_memory("Rome", id="one")])
        table.relay.spoil = losing_answers(*WRITES)
        await table.bank.delete(MINE, "one")
        assert table.items() == []


async def test_a_store_that_asks_for_patience_gets_it_and_one_that_is_gone_is_told(table: BankBench) -> None:
    table.relay.spoil = failing(2, throttled)
    await table.bank.store([a_memory("Rome")])
    table.relay.spoil = failing(float("inf"), throttled)
    with pytest.raises(RateLimited):
        await table.bank.store([a_memory("Oslo")])
    table.relay.spoil = failing(float("inf"), lambda: throttled("InternalServerError", 500))
    with pytest.raises(StoreUnavailable):
        await table.bank.search(MINE, (1.0,), MODEL, [], 3)
    table.relay.spoil = None
    assert await texts_in(table.bank) == ["Rome"]


async def test_one_text_from_many_processes_is_one_memory_with_all_sources(table: BankBench) -> None:
    banks = [table.another() for _ in range(4)]
    told = [a_memory("Ada lives in Rome", sources=(a_source(f"log {number}"),)) for number in range(8)]
    kept = await asyncio.gather(*(banks[number % 4].store([one]) for number, one in enumerate(told)))
    assert len({one.id for (one,) in kept}) == 1
    (memory,) = await everything(table.bank)
    assert {source.log for source in memory.sources} == {f"log {number}" for number in range(8)}
    assert len(table.items()) == 3
    for bank in banks:
        await bank.close()


async def test_what_a_process_kept_of_a_scope_never_outlives_what_others_write(table: BankBench) -> None:
    elsewhere = table.another()
    facts = [a_fact(number) for number in range(6)]
    await table.bank.store(facts[:3])

    async def seen() -> set[str]:
        found = await table.bank.search(MINE, a_vector(0), MODEL, [], 10)
        return {one.memory.id for one in found}

    assert await seen() == {one.id for one in facts[:3]}
    await elsewhere.delete(MINE, facts[0].id)
    assert await seen() == {one.id for one in facts[1:3]}
    await elsewhere.supersede(MINE, facts[1].id, facts[3])
    assert await seen() == {facts[2].id, facts[3].id}
    await elsewhere.forget(MINE, facts[0].sources[0].log)
    assert await seen() == set()
    await elsewhere.store(facts[4:])
    assert await seen() == {one.id for one in facts[4:]}
    await elsewhere.erase(MINE)
    await elsewhere.store(facts[:1])
    assert await seen() == {facts[0].id}
    await table.bank.store(facts[1:2])
    assert await seen() == {one.id for one in facts[:2]}
    await elsewhere.close()


async def test_a_memory_written_while_a_scope_is_read_is_found_by_the_next_search(table: BankBench) -> None:
    await table.bank.store([a_fact(0)])
    elsewhere, late = table.another(), a_fact(1)
    loop = asyncio.get_running_loop()

    def writing_first(operation: str, request: Json, forward: Forward) -> Answer:
        if operation == "Query":
            table.relay.spoil = None
            answer = forward()
            asyncio.run_coroutine_threadsafe(elsewhere.store([late]), loop).result(10)
            return answer
        return forward()

    reader = table.another()
    table.relay.spoil = writing_first
    await reader.search(MINE, a_vector(1), MODEL, [], 5)
    found = await reader.search(MINE, a_vector(1), MODEL, [], 5)
    assert found[0].memory.id == late.id
    for bank in (reader, elsewhere):
        await bank.close()


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_an_erasure_whose_process_died_is_finished_by_the_next(table: BankBench, number: int, done: bool) -> None:
    await table.bank.store([a_fact(number) for number in range(40)])
    dying = table.another()
    table.relay.spoil = dying_at(number, done)
    with pytest.raises(StoreUnavailable):
        await dying.erase(MINE)
    table.relay.spoil = None
    await dying.close()
    assert table.items() != []
    await table.bank.erase(MINE)
    assert table.items() == []


async def test_what_others_store_during_an_erasure_is_whole_or_gone(table: BankBench) -> None:
    await table.bank.store([a_fact(number) for number in range(30)])
    elsewhere = table.another()
    await asyncio.gather(table.bank.erase(MINE), *(elsewhere.store([a_fact(100 + number)]) for number in range(6)))
    found = await table.bank.search(MINE, a_vector(100), MODEL, [], 50)
    shown = await everything(elsewhere)
    assert {one.memory.id for one in found} == {one.id for one in shown}
    assert len(table.items()) == (2 * len(shown) + 1 if shown else 0)
    await elsewhere.close()


async def test_what_expires_is_found_by_nobody_and_tells_the_table_when(table: BankBench, clock: ManualClock) -> None:
    brief = a_fact(0, expires_at=NOON + MINUTE + 1)
    await table.bank.store([brief])
    assert {item["ttl"]["N"] for item in table.items()} == {str((NOON + MINUTE) // 1000 + 1)}
    assert len(await table.bank.search(MINE, a_vector(0), MODEL, [], 5)) == 1
    clock.advance(MINUTE + 1)
    assert await table.bank.search(MINE, a_vector(0), MODEL, ["violinist"], 5) == []
    with pytest.raises(MemoryNotFound):
        await table.bank.get(MINE, brief.id)
    again = a_memory(brief.text)
    assert await table.bank.store([again]) == [again]
    assert [one.id for one in await everything(table.bank)] == [again.id]


async def test_a_version_lasts_as_long_as_the_last_memory_of_its_scope(table: BankBench) -> None:
    async def version_after(number: int, expires_at: int | None) -> str | None:
        await table.bank.store([a_fact(number, HERE, expires_at=expires_at)])
        (version,) = [item for item in table.items() if item["sk"]["S"] == "V"]
        return version["ttl"]["N"] if "ttl" in version else None

    assert await version_after(0, NOON + 9 * MINUTE) == str(NOON // 1000 + 540)
    assert await version_after(1, NOON + 2 * MINUTE) == str(NOON // 1000 + 540)
    assert await version_after(2, None) is None
    assert await version_after(3, NOON + 2 * MINUTE) is None


async def test_when_the_table_has_erased_what_expired_the_scope_begins_anew(
    table: BankBench, clock: ManualClock
) -> None:
    await table.bank.store([a_fact(0, expires_at=NOON + MINUTE)])
    await table.bank.search(MINE, a_vector(0), MODEL, [], 5)
    clock.advance(MINUTE)
    for item in table.items():
        table.client.delete_item(TableName=table.table, Key={"pk": item["pk"], "sk": item["sk"]})
    await table.bank.store([a_fact(1)])
    assert [one.text for one in await everything(table.bank)] == [a_fact(1).text]
    assert await texts_in(table.bank) == [a_fact(1).text]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Scope("a", None, None), Scope("a", "None", None)),
        (Scope("a", "b", None), Scope("a", None, "b")),
        (Scope("a", "-", None), Scope("a", None, None)),
        (Scope("a", "b", "c"), Scope("a", "b+c", None)),
        (Scope('a","b', None, None), Scope("a", "b", None)),
        (Scope("", "", ""), Scope("", "", None)),
        (MINE, SHARED),
    ],
)
async def test_no_two_scopes_share_a_partition(table: BankBench, one: Scope, other: Scope) -> None:
    await table.bank.store([a_memory("Rome", one), a_memory("Rome", other)])
    assert len({item["pk"]["S"] for item in table.items()}) == 2
    await table.bank.erase(one)
    assert await texts_in(table.bank, other) == ["Rome"]


async def test_a_memory_that_everybody_says_keeps_its_latest_sources_and_fits(table: BankBench) -> None:
    names = random.Random(7)
    for start in range(0, 6_000, 1_000):
        said = tuple(
            a_source(names.randbytes(12).hex(), owner=names.randbytes(12).hex(), turn=number + 1)
            for number in range(start, start + 1_000)
        )
        await table.bank.store([a_memory("said by all", SHARED, id="often", sources=said)])
    kept = await table.bank.get(SHARED, "often")
    assert kept.sources[-1].at.turn == 6_000
    assert len(kept.sources) > 1_000
    assert [source.at.turn for source in kept.sources] == sorted(source.at.turn for source in kept.sources)
