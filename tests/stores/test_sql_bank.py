"""The statements of a SQL bank never scan a table, its scans never hold a scope, and what has expired does not stay."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, func, select, text

from sessionful.domain.error import ConfigError, StoreUnavailable
from sessionful.domain.memory import Scope
from sessionful.domain.session import Position
from sessionful.stores.nearness import BATCH
from sessionful.stores.sql import SqlBank, SqlLog
from sessionful.stores.sql.address import read_address
from sessionful.stores.sql.schema import MEMORIES, MEMORY_SOURCES, METADATA, SUMMARIES
from tests.contracts.bank_samples import (
    EAST,
    HERE,
    MINE,
    MODEL,
    NORTH,
    a_memory,
    a_source,
    a_summary,
    everything,
    texts_of,
)
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_session
from tests.contracts.writer import take_turn
from tests.stores.statements import Statement, recorded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def opened(url: str, clock: ManualClock | None = None) -> SqlBank:
    return SqlBank.open(url, clock=clock or ManualClock())


def raw_rows(url: str) -> dict[str, int]:
    engine = create_engine(read_address(url), poolclass=NullPool)
    with engine.connect() as connection:
        return {
            table.name.removeprefix("sessionful_"): connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in (MEMORIES, MEMORY_SOURCES, SUMMARIES)
        }


async def every_kind_of_statement(bank: SqlBank, clock: ManualClock) -> None:
    """Uses every method, with everything that makes it say more."""
    await bank.store([a_memory("Rome", id="rome", sources=(a_source(),), expires_at=NOON + 5), a_memory("x")])
    await bank.store([a_memory("Rome", sources=(a_source("other"),))])
    await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo", sources=(a_source(),)))
    await bank.store([a_memory("brief", id="brief", expires_at=NOON + 5)])
    clock.advance(5)
    await bank.store([a_memory("brief", id="brief", sources=(a_source(),))])
    await bank.get(MINE, "oslo")
    first = await bank.page(MINE, 1)
    await bank.page(MINE, 1, first.next_cursor)
    await bank.page(MINE, 1, first.next_cursor, ended=True)
    await bank.search(MINE, EAST, MODEL, ["oslo"], 3)
    await bank.revector(MINE, [("oslo", MODEL, EAST)])
    await bank.unlike(MINE, MODEL, 3)
    await bank.delete(MINE, "brief")
    await bank.forget(MINE, "log")
    await bank.erase(MINE)
    await bank.keep_summary("ada", "guide", a_summary())
    await bank.summary("ada", "guide", "log")
    await bank.summary("ada", "guide", "log", Position(2, 1))
    await bank.forget_summaries("ada", "guide", "log")


def steps(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement.text, statement.values)]


async def test_no_statement_scans_a_table(file: Path) -> None:
    clock = ManualClock()
    bank = opened(f"sqlite:///{file}", clock)
    with recorded() as sent:
        await every_kind_of_statement(bank, clock)
    await bank.close()
    searches = 0
    with closing(sqlite3.connect(file)) as connection:
        for statement in sent:
            if statement.text.startswith("BEGIN"):
                continue
            for step in steps(connection, statement):
                assert not step.startswith("SCAN sessionful_"), statement.text
                searches += step.startswith("SEARCH sessionful_")
    assert searches > 15


async def test_a_page_is_read_in_the_order_of_its_index(file: Path) -> None:
    bank = opened(f"sqlite:///{file}")
    await bank.store([a_memory(f"fact {number}") for number in range(3)])
    with recorded() as sent:
        page = await bank.page(MINE, 1)
        await bank.page(MINE, 1, page.next_cursor)
    await bank.close()
    with closing(sqlite3.connect(file)) as connection:
        plans = [steps(connection, one) for one in sent if "ORDER BY sessionful_memories.created_at" in one.text]
    assert len(plans) == 2
    for plan in plans:
        assert len(plan) == 1, plan
        assert "USING INDEX sessionful_memories_listed (scope=?" in plan[0]


async def test_what_is_stored_costs_as_much_in_a_large_scope_as_in_an_empty_one(sql_url: str) -> None:
    bank = opened(sql_url)
    counts = []
    for _ in range(2):
        with recorded() as sent:
            (kept,) = await bank.store([a_memory("Rome", sources=(a_source(),))])
        counts.append(len([one for one in sent if not one.text.startswith("BEGIN")]))
        await bank.delete(MINE, kept.id)
        await bank.store([a_memory(f"fact {number}", sources=(a_source(),)) for number in range(200)])
    await bank.close()
    assert counts == [5, 5]


async def test_a_scope_larger_than_a_batch_is_searched_whole(sql_url: str) -> None:
    bank = opened(sql_url)
    count = BATCH + 20
    given = [a_memory(f"fact {number}", model=MODEL, vector=NORTH) for number in range(count)]
    given[-1] = a_memory("near", model=MODEL, vector=EAST)
    given[3] = a_memory("said", model="other", vector=EAST)
    await bank.store(given)
    found = await bank.search(MINE, EAST, MODEL, ["said"], 1)
    await bank.close()
    assert texts_of(found) == ["near", "said"]


async def test_what_has_expired_is_erased_when_something_is_stored_anywhere(sql_url: str) -> None:
    clock = ManualClock()
    bank = opened(sql_url, clock)
    await bank.store([a_memory(f"fact {n}", sources=(a_source(),), expires_at=NOON + 5) for n in range(120)])
    await bank.store([a_memory("lasting", sources=(a_source(),), expires_at=NOON + 6)])
    clock.advance(5)
    await bank.store([a_memory("elsewhere", HERE)])
    left = raw_rows(sql_url)["memories"]
    await bank.store([a_memory("elsewhere", HERE)])
    assert left < 122
    assert raw_rows(sql_url) == {"memories": 2, "memory_sources": 1, "summaries": 0}
    await bank.close()


async def test_sessions_and_memories_share_one_database(sql_url: str) -> None:
    log, bank = SqlLog.open(sql_url, clock=ManualClock()), opened(sql_url)
    await log.create(a_session())
    await take_turn(log)
    await bank.store([a_memory("Rome", sources=(a_source(),))])
    await log.delete(KEY)
    assert texts_of(await bank.search(MINE, EAST, MODEL, ["rome"], 1)) == ["Rome"]
    await log.close()
    await bank.close()


async def test_who_takes_turns_and_who_remembers_do_not_hinder_each_other(sql_url: str) -> None:
    log, banks = SqlLog.open(sql_url, clock=ManualClock()), [opened(sql_url), opened(sql_url)]
    await log.create(a_session())

    async def converse() -> None:
        for _ in range(10):
            await take_turn(log)

    async def remember(bank: SqlBank, log: str) -> None:
        for number in range(10):
            await bank.store([a_memory(f"fact {number}", sources=(a_source(log),))])

    await asyncio.gather(converse(), remember(banks[0], "a"), remember(banks[1], "b"))
    assert (await log.get(KEY)).turns == 10
    kept = await everything(banks[0])
    assert [sorted(source.log for source in one.sources) for one in kept] == [["a", "b"]] * 10
    await log.close()
    await asyncio.gather(*(bank.close() for bank in banks))


async def test_what_was_stored_is_there_for_who_opens_the_database_next(sql_url: str) -> None:
    bank = opened(sql_url)
    kept = await bank.store([a_memory("Rome", model=MODEL, vector=EAST, sources=(a_source(),))])
    await bank.keep_summary("ada", "guide", a_summary())
    await bank.close()
    again = opened(sql_url)
    assert await everything(again) == kept
    assert await again.summary("ada", "guide", "log") == a_summary()
    await again.close()


async def test_a_closed_bank_says_so(sql_url: str) -> None:
    bank = opened(sql_url)
    await bank.close()
    with pytest.raises(StoreUnavailable):
        await bank.get(MINE, "one")


async def test_a_database_of_the_release_before_memories_is_given_their_tables(sql_url: str) -> None:
    log = SqlLog.open(sql_url, clock=ManualClock())
    await log.create(a_session())
    await log.close()
    engine = create_engine(read_address(sql_url), poolclass=NullPool)
    with engine.begin() as connection:
        METADATA.drop_all(connection, [MEMORY_SOURCES, MEMORIES, SUMMARIES])
        connection.execute(text("UPDATE sessionful_schema SET version = 2"))
    log = SqlLog.open(sql_url, clock=ManualClock())
    bank = opened(sql_url)
    assert await bank.store([a_memory("Rome", id="one")]) == [await bank.get(MINE, "one")]
    assert (await log.get(KEY)).key == KEY
    await log.close()
    await bank.close()


async def test_a_bank_refuses_a_database_of_a_newer_release(sql_url: str) -> None:
    await opened(sql_url).close()
    engine = create_engine(read_address(sql_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE sessionful_schema SET version = version + 1"))
    with pytest.raises(ConfigError):
        opened(sql_url)


async def test_an_erased_scope_leaves_no_row(sql_url: str) -> None:
    bank = opened(sql_url)
    for scope in (MINE, HERE, Scope("guide")):
        await bank.store([a_memory(f"fact {n}", scope, sources=(a_source(), a_source("b"))) for n in range(20)])
        await bank.erase(scope)
    await bank.close()
    assert raw_rows(sql_url) == {"memories": 0, "memory_sources": 0, "summaries": 0}
