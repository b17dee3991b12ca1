"""What only a SQL store promises: it lasts, it knows its layout, and its statements stay few and small."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from sessionful.domain.error import ConfigError, PayloadTooLarge, StoreUnavailable
from sessionful.domain.session import Position, Session, SessionChange, SessionKey
from sessionful.domain.turn import Window
from sessionful.stores.sql import SqlLog
from sessionful.stores.sql.address import read_address
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, an_entry, places, texts
from tests.contracts.writer import begin, take_over, take_turn
from tests.stores.statements import Statement, recorded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "that is new" / "sessions.db"


def opened(file: Path, clock: ManualClock | None = None) -> SqlLog:
    return SqlLog.open(f"sqlite:///{file}", clock=clock or ManualClock())


def with_past(turns: int, key: SessionKey = KEY) -> Session:
    return a_session(key, turns=turns, last=Position(turns, 1), message_count=turns)


async def test_a_file_survives_reopening(file: Path) -> None:
    log = opened(file)
    await log.create(a_session(state={"mood": "fine"}))
    head = await take_turn(log, KEY, "hello", "one", "two")
    held = (await begin(log, text="and then", idempotency_key="k", request_hash="h")).session
    await log.close()
    for _ in range(2):
        again = opened(file)
        assert await again.get(KEY) == held
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


async def test_a_closed_store_says_so(file: Path) -> None:
    log = opened(file)
    await log.close()
    await log.close()
    with pytest.raises(StoreUnavailable):
        await log.get(KEY)


async def test_a_layout_of_a_newer_release_is_refused(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.close()
    engine = create_engine(read_address(sql_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE sessionful_schema SET version = version + 1"))
    engine.dispose()
    with pytest.raises(ConfigError) as refused:
        SqlLog.open(sql_url)
    assert refused.value.details["found"] == refused.value.details["known"] + 1


async def every_kind_of_statement(log: SqlLog, clock: ManualClock) -> None:
    """Uses every method, with everything that makes it say more."""
    await log.create(with_past(300), [an_entry("x" * 300, Position(turn, 1)) for turn in range(1, 301)])
    writer = await begin(log, text="m" * 40_000, idempotency_key="k", lease_ms=5, window=Window(50, 10_000))
    await writer.append()
    await log.renew(writer.lease, clock.now + 5)
    await log.ask_cancel(KEY, writer.lease.turn)
    clock.advance(10)
    head = await (await take_over(log)).settle()
    await log.turn_for(KEY, "k")
    child = await log.fork(KEY, Position(200, 1), a_session(a_key("child")))
    await take_turn(log, a_key("child"))
    await begin(log, a_key("child"), window=Window(150, 10**9))
    await log.read(child, 10, after=Position(100, 1), before=Position(150, 1))
    await log.read(head, 10, newest_first=True)
    await log.turn(head, 150)
    await log.insert(KEY, an_entry())
    await log.change(KEY, SessionChange(title="other"))
    await log.rebase(KEY, (), 0)
    await log.find("ada", "trip", ["guide", "clerk"])
    first = await log.list_sessions("ada", ["guide", "clerk"], 1)
    await log.list_sessions("ada", ["guide", "clerk"], 1, first.next_cursor)
    await log.create(a_session(a_key("short"), timeout=0.001))
    clock.advance(10)
    await log.create(a_session(a_key("short")))
    await log.delete(KEY)
    await log.delete(a_key("child"))


def plan(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement.text, statement.values)]


async def test_no_statement_scans_a_table(file: Path) -> None:
    clock = ManualClock()
    log = opened(file, clock)
    with recorded() as sent:
        await every_kind_of_statement(log, clock)
    await log.close()
    steps = 0
    with closing(sqlite3.connect(file)) as connection:
        for statement in sent:
            if statement.text.startswith("BEGIN"):
                continue
            for step in plan(connection, statement):
                assert not step.startswith("SCAN sessionful_"), statement.text
                steps += step.startswith("SEARCH sessionful_")
    assert steps > 20


async def test_a_list_is_read_in_the_order_of_its_index(file: Path) -> None:
    log = opened(file)
    for number in range(3):
        await log.create(a_session(a_key(str(number))))
    with recorded() as sent:
        page = await log.list_sessions("ada", ["guide"], 1)
        await log.list_sessions("ada", ["guide"], 1, page.next_cursor)
    await log.close()
    with closing(sqlite3.connect(file)) as connection:
        for statement in sent:
            if statement.text.startswith("SELECT"):
                (step,) = plan(connection, statement)
                assert "USING INDEX sessionful_heads_listed (shelf=?" in step


async def test_a_turn_takes_as_few_statements_late_as_early(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(with_past(9), [an_entry("early", Position(turn, 1)) for turn in range(1, 10)])
    late = with_past(999, a_key("late"))
    await sql_log.create(late, [an_entry("late", Position(turn, 1)) for turn in range(1, 1_000)])
    counts = []
    for key in (KEY, a_key("late")):
        with recorded() as sent:
            head = await take_turn(sql_log, key)
        assert head.turns in (10, 1_000)
        counts.append(len([statement for statement in sent if not statement.text.startswith("BEGIN")]))
    assert counts[0] == counts[1] <= 6


async def test_a_window_reads_no_more_than_it_needs(sql_url: str, sql_log: SqlLog) -> None:
    entries = [an_entry("x" * 10_000, Position(turn, 1)) for turn in range(1, 101)]
    await sql_log.create(with_past(100), entries)
    child = await sql_log.fork(KEY, None, a_session(a_key("child")))
    writer = await begin(sql_log, a_key("child"), window=WINDOW._replace(bytes=25_000))
    assert places(writer.past) == [(98, 1), (99, 1), (100, 1)]
    assert child.message_count == 100
