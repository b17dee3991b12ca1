"""A database that stumbles: short troubles are not noticed, long ones are told in our own words."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from sessionful.domain.error import InvalidRequest, StoreUnavailable
from sessionful.domain.session import SessionChange
from sessionful.stores.sql import SqlLog
from sessionful.stores.sql.address import read_address
from tests.contracts.clock import ManualClock
from tests.contracts.databases import with_mysql, with_postgres
from tests.contracts.samples import KEY, a_key, a_session, places
from tests.contracts.writer import begin, take_turn

SERVERS = ["postgres"] * with_postgres() + ["mysql"] * with_mysql()
CONNECTIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND db = database()",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}


async def test_a_file_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    log = SqlLog.open(f"sqlite:///{tmp_path}/s.db?timeout=0.1", clock=ManualClock())
    await log.create(a_session())
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = asyncio.create_task(begin(log))
        assert (await log.get(KEY)).running is None  # readers do not wait for a writer
        await asyncio.sleep(0.5)
        assert not begun.done()
        other.execute("COMMIT")
        await (await begun).settle()
    await log.close()


async def test_a_file_that_stays_locked_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    log = SqlLog.open(f"sqlite:///{tmp_path}/s.db?timeout=0.01", clock=ManualClock())
    made = await log.create(a_session())
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as refused:
            await begin(log, text="a word that is nobody's business")
        other.execute("COMMIT")
    error = refused.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert not any(word in f"{error} {error.details}" for word in ("BEGIN", "sessionful_", "business", str(tmp_path)))
    assert await log.get(KEY) == made
    await log.close()


@asynccontextmanager
async def connections_killed(url: str) -> AsyncIterator[asyncio.Semaphore]:
    """As long as the block lasts, the server drops somebody's connection soon after each release of the semaphore: at
    the pace of those who work, however slow the machine is."""
    paced = asyncio.Semaphore(1)
    engine = create_engine(read_address(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    kind = engine.dialect.name

    def kill_one(connection: Connection) -> None:
        if found := connection.execute(text(CONNECTIONS[kind])).scalars().all():
            with suppress(DBAPIError):  # it may have gone by itself
                connection.execute(text(KILL[kind].format(random.choice(found))))

    async def kill() -> None:
        with engine.connect() as connection:
            while True:
                await paced.acquire()
                await asyncio.sleep(random.uniform(0, 0.02))
                await asyncio.to_thread(kill_one, connection)

    killing = asyncio.create_task(kill())
    try:
        yield paced
    finally:
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing


@pytest.mark.parametrize("sql_url", SERVERS, indirect=True)
async def test_lost_connections_lose_no_turn_and_double_none(sql_url: str, sql_log: SqlLog) -> None:
    keys = [a_key(str(number)) for number in range(4)]

    async def converse(number: int, paced: asyncio.Semaphore) -> None:
        await sql_log.create(a_session(keys[number]))
        for turn in range(20):
            await take_turn(sql_log, keys[number], f"turn {turn}", "one", "two")
            paced.release()

    async with connections_killed(sql_url) as paced:
        await asyncio.gather(*(converse(number, paced) for number in range(4)))
    for key in keys:
        head = await sql_log.get(key)
        assert (head.turns, head.epoch, head.message_count, head.running) == (20, 20, 60, None)
        entries = await sql_log.read(head, 100)
        assert places(entries) == [(turn, step) for turn in range(1, 21) for step in (1, 2)]


async def test_what_unicode_or_json_cannot_say_is_refused_and_changes_nothing(sql_log: SqlLog) -> None:
    made = await sql_log.create(a_session())
    half = "\ud83d"
    with pytest.raises(InvalidRequest):
        await sql_log.change(KEY, SessionChange(metadata={"half": half}))
    assert await sql_log.get(KEY) == made


async def test_an_owner_may_have_a_name_that_a_database_cannot_hold(sql_log: SqlLog) -> None:
    made = await sql_log.create(a_session(a_key(owner="nul \0 inside")))
    assert await sql_log.get(made.key) == made
    assert (await sql_log.list_sessions("nul \0 inside", ["guide"], 10)).sessions == [made]
