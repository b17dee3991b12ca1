"""Alarms in a file: they outlive processes, are shared by them, and a file that fails is said clearly and soon."""

import asyncio
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sessionful.alarms.sqlite import SqliteAlarmQueue
from sessionful.domain.error import ConfigError, StoreUnavailable
from tests.alarms.processes import go, line, process, rest
from tests.alarms.queue_worker import SHORTLY
from tests.alarms.samples import AGAIN, a_wake, heard, turns
from tests.contracts.clock import ManualClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "alarms.db"


async def test_alarms_outlive_whoever_set_them(file: Path, clock: ManualClock) -> None:
    first = SqliteAlarmQueue.open(file, clock)
    await first.set(a_wake("t1"), 10)
    await first.set(a_wake("t2"), 0)
    [ring] = await heard(first)
    await first.close()
    clock.advance(60_000)
    second = SqliteAlarmQueue.open(file, clock)
    assert [(r.wake.turn_id, r.times) for r in await heard(second)] == [("t1", 1), ("t2", 2)]
    await second.done(ring.receipt)
    assert await second.count() == 2
    await second.close()


async def test_a_done_alarms_receipt_is_never_anothers(file: Path, clock: ManualClock) -> None:
    queue = SqliteAlarmQueue.open(file, clock)
    await queue.set(a_wake("t1"), 0)
    [old] = await heard(queue)
    await queue.done(old.receipt)
    await queue.set(a_wake("t2"), 0)
    await heard(queue)
    await queue.done(old.receipt)
    assert await queue.count() == 1
    await queue.close()


async def test_processes_that_open_one_file_at_once_lose_no_alarm(file: Path) -> None:
    names = [f"p{number}" for number in range(4)]
    with ExitStack() as stack:
        started = [stack.enter_context(process("sets", file, name, 25)) for name in names]
        for one in started:
            go(one)
        assert [rest(one) for one in started] == [[]] * 4
    queue = SqliteAlarmQueue.open(file)
    assert sorted(turns(await heard(queue, limit=200))) == sorted(f"{n}.{i}" for n in names for i in range(25))
    await queue.close()


async def test_of_processes_that_listen_to_one_file_one_hears_each(file: Path) -> None:
    queue = SqliteAlarmQueue.open(file)
    for number in range(150):
        await queue.set(a_wake(f"t{number}"), 0)
    with ExitStack() as stack:
        started = [stack.enter_context(process("clears", file)) for _ in range(3)]
        for one in started:
            go(one)
        told = [rest(one) for one in started]
    assert sorted(turn for one in told for turn in one) == sorted(f"t{number}" for number in range(150))
    assert await queue.count() == 0
    await queue.close()


async def test_what_a_killed_process_had_heard_rings_again(file: Path) -> None:
    queue = SqliteAlarmQueue.open(file)
    await queue.set(a_wake(), 0)
    with process("hears_and_hangs", file) as started:
        go(started)
        assert line(started) == "t1"
        started.kill()
        started.wait()
    assert await heard(queue) == []
    [ring] = await queue.hear(1, SHORTLY + 5, AGAIN)
    assert (ring.wake, ring.times) == (a_wake(), 2)
    await queue.close()


async def test_an_alarm_that_another_process_sets_is_heard_within_a_second(file: Path) -> None:
    listener, setter = SqliteAlarmQueue.open(file), SqliteAlarmQueue.open(file)
    waiting = asyncio.create_task(listener.hear(1, 20, AGAIN))
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await setter.set(a_wake(), 0)
    assert turns(await waiting) == ["t1"]
    assert time.monotonic() - begun < 1
    await listener.close()
    await setter.close()


async def test_a_file_that_another_program_locks_holds_nobody_up_and_serves_again(file: Path) -> None:
    queue = SqliteAlarmQueue.open(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        answers = await asyncio.gather(*(queue.set(a_wake(), 0) for _ in range(5)), return_exceptions=True)
        assert time.monotonic() - begun < 3
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        assert await heard(queue) == []
        other.execute("ROLLBACK")
    await queue.set(a_wake("later"), 0)
    assert "later" in turns(await heard(queue))
    await queue.close()


def test_a_file_that_is_locked_from_the_start_is_said(file: Path) -> None:
    SqliteAlarmQueue.open(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="is locked by another program"):
            SqliteAlarmQueue.open(file)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be read as one\n" * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt' cannot keep alarms: file is not a database"):
        SqliteAlarmQueue.open(text)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE alarms (clock TEXT)")
    with pytest.raises(ConfigError, match=r"no such column: due|no column named due"):
        SqliteAlarmQueue.open(other)
    assert text.read_text().startswith("not a database")


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="for alarms, cannot be made"):
        SqliteAlarmQueue.open(tmp_path / "file" / "alarms.db")
    with pytest.raises(ConfigError, match="unable to open database file"):
        SqliteAlarmQueue.open(tmp_path)


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    file = tmp_path / "spoilt.db"
    file.write_bytes(b"spoilt" * 1_000)
    return file


async def test_a_file_that_is_spoilt_while_it_is_used_is_an_error_of_the_store(spoilt: Path) -> None:
    queue = SqliteAlarmQueue(spoilt)
    with pytest.raises(StoreUnavailable, match="cannot be used") as caught:
        await queue.set(a_wake(), 0)
    assert caught.value.details["reason"] == "SQLITE_NOTADB"
    await queue.close()


async def test_what_was_closed_says_so(file: Path) -> None:
    queue = SqliteAlarmQueue.open(file)
    await queue.close()
    await queue.close()
    with pytest.raises(StoreUnavailable, match="were closed"):
        await queue.set(a_wake(), 0)
