"""The statements of a SQL store: few, small, and never more for being late in a long session."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessionful.domain.session import Position, Session, SessionChange, SessionKey
from sessionful.domain.turn import Group, Window
from sessionful.stores.sql import SqlLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, an_entry, places
from tests.contracts.writer import begin, begin_next, take_over, take_turn, wait_in_line
from tests.stores.statements import Statement, recorded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def opened(file: Path, clock: ManualClock | None = None) -> SqlLog:
    return SqlLog.open(f"sqlite:///{file}", clock=clock or ManualClock())


def with_past(turns: int, key: SessionKey = KEY) -> Session:
    return a_session(key, turns=turns, last=Position(turns, 1), message_count=turns)


async def every_kind_of_statement(log: SqlLog, clock: ManualClock) -> None:
    """Uses every method, with everything that makes it say more."""
    await log.create(with_past(300), [an_entry("x" * 300, Position(turn, 1)) for turn in range(1, 301)])
    writer = await begin(log, text="m" * 40_000, idempotency_key="k", lease_ms=5, window=Window(50, 10_000))
    await writer.append()
    await writer.flush("one", "two", lease_until=clock.now + 5)
    await log.peek(writer.lease)
    await log.watch(KEY)
    await log.ask_cancel(KEY, writer.lease.turn)
    waits = await wait_in_line(log, text="m" * 4_000_000)
    await log.ask_cancel(KEY, waits.session.turns)
    await log.queued(KEY)
    clock.advance(10)
    writer = await take_over(log, lease_until=clock.now + 5)
    await log.change(KEY, SessionChange(state={"mood": "fine"}))
    await writer.flush("one", lease_until=clock.now + 5)
    await log.release(writer.lease)
    await (await take_over(log)).settle()
    head = await (await begin_next(log)).settle()
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
    await log.expired(["guide", "clerk"], clock.now, 10)
    await log.create(a_session(a_key("short"), timeout=0.001))
    clock.advance(10)
    await log.create(a_session(a_key("short")))
    writer = await begin(log)
    await writer.flush("one")
    await wait_in_line(log)
    await log.delete(KEY)
    await log.delete(a_key("child"))


def number_of(sent: list[Statement]) -> int:
    """SQLite's BEGIN is one of ours; where the driver sends it, it is not counted either."""
    return len([statement for statement in sent if not statement.text.startswith("BEGIN")])


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


async def test_the_expired_are_read_in_the_order_of_their_index(file: Path) -> None:
    log = opened(file)
    await log.create(a_session(timeout=1))
    with recorded() as sent:
        await log.expired(["guide", "clerk"], NOON + 1_000, 10)
    await log.close()
    with closing(sqlite3.connect(file)) as connection:
        (step,) = [step for one in sent if one.text.startswith("SELECT") for step in plan(connection, one)]
    assert "USING INDEX sessionful_heads_expiring (expires_at" in step


async def test_a_turn_takes_as_few_statements_late_as_early(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(with_past(9), [an_entry("early", Position(turn, 1)) for turn in range(1, 10)])
    late = with_past(999, a_key("late"))
    await sql_log.create(late, [an_entry("late", Position(turn, 1)) for turn in range(1, 1_000)])
    counts = []
    for key in (KEY, a_key("late")):
        with recorded() as sent:
            head = await take_turn(sql_log, key)
        assert head.turns in (10, 1_000)
        counts.append(number_of(sent))
    assert counts[0] == counts[1] == 6


async def test_a_window_reads_no_more_than_it_needs(sql_url: str, sql_log: SqlLog) -> None:
    entries = [an_entry("x" * 10_000, Position(turn, 1)) for turn in range(1, 101)]
    await sql_log.create(with_past(100), entries)
    child = await sql_log.fork(KEY, None, a_session(a_key("child")))
    writer = await begin(sql_log, a_key("child"), window=WINDOW._replace(bytes=25_000))
    assert places(writer.past) == [(98, 1), (99, 1), (100, 1)]
    assert child.message_count == 100


async def test_a_flush_is_one_transaction_of_three_statements(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    writer = await begin(sql_log)
    counts = []
    for group in (Group(1, "one"), Group(2, "two"), Group(2, "two"), None):
        with recorded() as sent:
            await sql_log.flush(writer.lease, group, NOON + 90_000)
        counts.append(number_of(sent))
    assert counts == [3, 3, 2, 2]


async def test_the_first_flush_after_a_take_over_takes_one_statement_more(sql_url: str) -> None:
    clock = ManualClock()
    log = SqlLog.open(sql_url, clock=clock)
    await log.create(a_session())
    await (await begin(log, lease_ms=5)).flush("one", lease_until=NOON + 5)
    clock.advance(5)
    writer = await take_over(log)
    with recorded() as sent:
        await writer.flush("again")
    assert number_of(sent) == 4
    await log.close()


async def test_a_look_costs_little(sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    writer = await begin(sql_log)
    with recorded() as sent:
        await sql_log.peek(writer.lease)
        await sql_log.watch(KEY)
    assert number_of(sent) == 2
    for number in range(20):
        await writer.flush(str(number))
    with recorded() as sent:
        await sql_log.watch(KEY)
    assert number_of(sent) == 2
    await writer.settle()


async def test_what_was_flushed_goes_with_the_step_for_one_statement(sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    writer = await begin(sql_log)
    await writer.flush(*map(str, range(20)))
    with recorded() as sent:
        await writer.append()
    assert number_of(sent) == 3
    await writer.flush(*map(str, range(20)))
    with recorded() as sent:
        await writer.settle()
    assert number_of(sent) == 4


async def test_a_turn_that_waited_costs_two_statements_more(sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    holder = await begin(sql_log)
    with recorded() as sent:
        await wait_in_line(sql_log)
    assert number_of(sent) == 3
    await holder.settle()
    with recorded() as sent:
        await begin_next(sql_log)
    assert number_of(sent) == 5
