"""What only a SQL store promises: it lasts, it says when it is closed, and it knows what is too large for it."""

from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, func, select

from sessionful.domain.error import PayloadTooLarge, StoreUnavailable
from sessionful.domain.session import SessionChange
from sessionful.stores.sql import SqlLog
from sessionful.stores.sql.address import read_address
from sessionful.stores.sql.schema import ENTRIES, GROUPS, KEYS, PIECES, QUEUE
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, a_key, a_session, texts
from tests.contracts.writer import begin, take_turn, wait_in_line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "that is new" / "sessions.db"


def opened(file: Path) -> SqlLog:
    return SqlLog.open(f"sqlite:///{file}", clock=ManualClock())


async def test_a_file_survives_reopening(file: Path) -> None:
    log = opened(file)
    await log.create(a_session(state={"mood": "fine"}))
    head = await take_turn(log, KEY, "hello", "one", "two")
    writer = await begin(log, text="and then", idempotency_key="k", request_hash="h")
    await writer.flush("half", "a word")
    await wait_in_line(log, text="and later")
    seen, queue = await log.watch(KEY), await log.queued(KEY)
    held = seen.session
    await log.close()
    for _ in range(2):
        again = opened(file)
        assert await again.watch(KEY) == seen
        assert await again.queued(KEY) == queue
        assert texts(await again.read(head, 10)) == ["hello", "one", "two"]
        assert await again.turn_for(KEY, "k") == (held.running.turn_id if held.running else None)
        await again.close()


async def test_settings_that_are_too_large_are_refused_as_such(sql_log: SqlLog) -> None:
    made = await sql_log.create(a_session(state={"quotes": '"' * 3_900_000}))
    with pytest.raises(PayloadTooLarge):
        await sql_log.change(KEY, SessionChange(metadata={"more": "🦊" * 100_000}))
    with pytest.raises(PayloadTooLarge):
        await sql_log.create(a_session(a_key("other"), system="s" * 8_000_000))
    assert (await sql_log.list_sessions("ada", ["guide"], 10)).sessions == [made]


async def test_a_log_that_a_fork_still_sees_keeps_its_entries_and_nothing_else(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    await take_turn(sql_log)
    await sql_log.fork(KEY, None, a_session(a_key("child")))
    writer = await begin(sql_log, text="m" * 40_000, idempotency_key="k")
    await wait_in_line(sql_log, text="m" * 4_000_000)
    await writer.flush("one", "two")
    await sql_log.delete(KEY)
    engine = create_engine(read_address(sql_url), poolclass=NullPool)
    with engine.connect() as connection:
        counts = [select(func.count()).select_from(table) for table in (GROUPS, QUEUE, PIECES, KEYS, ENTRIES)]
        assert [connection.execute(count).scalar() for count in counts] == [0, 0, 0, 0, 1]
    engine.dispose()


async def test_a_closed_store_says_so(file: Path) -> None:
    log = opened(file)
    await log.close()
    await log.close()
    with pytest.raises(StoreUnavailable):
        await log.get(KEY)
