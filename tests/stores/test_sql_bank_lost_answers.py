"""The database has committed and its answer is lost: what is remembered is remembered once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sessionful.domain.error import MemoryNotFound
from sessionful.stores.sql import SqlBank
from tests.contracts.bank_samples import EAST, MINE, MODEL, a_memory, a_source, a_summary, everything
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.databases import postgres_url, sql_bank, with_postgres
from tests.stores.sql_relay import Relay, relay

# A SQLite file answers within its process; MySQL's relay would be another protocol for the same code.
pytestmark = pytest.mark.skipif(not with_postgres(), reason="needs PostgreSQL")


@pytest.fixture
async def line() -> AsyncIterator[Relay]:
    """A line that can be cut, to an empty database."""
    async with sql_bank(postgres_url(), ManualClock()), relay(postgres_url()) as made:
        yield made


@pytest.fixture
async def bank(line: Relay) -> AsyncIterator[SqlBank]:
    """A bank with one connection through that line; opening it blocks, and the relay is on this loop."""
    bank = await asyncio.to_thread(SqlBank.open, line.url, ManualClock(), 1)
    yield bank
    await bank.close()


async def test_memories_are_stored_once(line: Relay, bank: SqlBank) -> None:
    given = [a_memory(f"fact {n}", created_at=NOON - n, sources=(a_source(),)) for n in range(3)]
    line.lose_next_answer()
    assert await bank.store(given) == given
    assert line.lost == 1
    assert await everything(bank) == given


async def test_a_merge_is_done_once(line: Relay, bank: SqlBank) -> None:
    await bank.store([a_memory("Rome", id="one", sources=(a_source("a"),))])
    line.lose_next_answer()
    (kept,) = await bank.store([a_memory("Rome", sources=(a_source("b"),))])
    assert line.lost == 1
    assert kept.sources == (a_source("a"), a_source("b"))
    assert await everything(bank) == [kept]


@pytest.mark.parametrize("known", [False, True])
async def test_a_contradiction_is_recognised(line: Relay, bank: SqlBank, known: bool) -> None:
    await bank.store([a_memory("Rome", id="rome"), *([a_memory("Oslo", id="known")] if known else [])])
    line.lose_next_answer()
    kept = await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo", created_at=NOON + 1))
    assert line.lost == 1
    assert (kept.id, kept.supersedes) == ("known" if known else "oslo", ("rome",))
    assert (await bank.get(MINE, "rome")).superseded_by == kept.id
    assert await everything(bank, ended=False) == [kept]


async def test_a_contradiction_of_somebody_else_meanwhile_is_not_taken_for_ones_own(line: Relay, bank: SqlBank) -> None:
    await bank.store([a_memory("Rome", id="rome")])
    direct = await asyncio.to_thread(SqlBank.open, postgres_url(), ManualClock(), 1)

    async def meanwhile() -> None:
        await direct.delete(MINE, "rome")
        await direct.delete(MINE, "oslo")
        await direct.store([a_memory("Rome", id="rome")])
        await direct.supersede(MINE, "rome", a_memory("Bern", id="bern"))

    line.meanwhile = meanwhile
    line.lose_next_answer()
    with pytest.raises(MemoryNotFound):
        await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo"))
    assert line.lost == 1
    assert [one.id for one in await everything(bank, ended=False)] == ["bern"]
    await direct.close()


async def test_a_delete_is_recognised(line: Relay, bank: SqlBank) -> None:
    await bank.store([a_memory(id="one", sources=(a_source(),))])
    line.lose_next_answer()
    await bank.delete(MINE, "one")
    assert line.lost == 1
    assert await everything(bank) == []


async def test_the_rest_can_be_repeated(line: Relay, bank: SqlBank) -> None:
    await bank.store([a_memory(id="one", sources=(a_source("a"), a_source("b")))])
    repeatable: list[Callable[[], Awaitable[None]]] = [
        lambda: bank.revector(MINE, [("one", MODEL, EAST)]),
        lambda: bank.forget(MINE, "a"),
        lambda: bank.keep_summary("ada", "guide", a_summary()),
    ]
    for work in repeatable:
        line.lose_next_answer()
        await work()
    assert line.lost == 3
    (kept,) = await everything(bank)
    assert (kept.model, kept.sources) == (MODEL, (a_source("b"),))
    assert await bank.summary("ada", "guide", "log") == a_summary()
    line.lose_next_answer()
    await bank.erase(MINE)
    line.lose_next_answer()
    await bank.forget_summaries("ada", "guide", "log")
    assert line.lost == 5
    assert await everything(bank) == []
