"""Several processes at one database: nothing is lost, nothing happens twice, and none needs to end well."""

import asyncio
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sessionful.domain.session import Session
from sessionful.domain.turn import Entry
from sessionful.stores.sql import SqlLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, places, texts
from tests.contracts.writer import take_over
from tests.stores.processes import line, rest, start, worker

LIFETIMES = 5
LOOK_SECONDS = 20
DAY_MS = 24 * 3_600_000


async def at_rest(log: SqlLog) -> tuple[Session, list[Entry]]:
    """The head and its entries, once a server has finished what the killed process had still asked of it."""
    while True:
        head = await log.get(KEY)
        entries = await log.read(head, 10_000)
        if await log.get(KEY) == head:
            return head, entries


async def test_processes_that_start_at_once_lay_the_tables_out_together(sql_url: str) -> None:
    names = [f"p{number}" for number in range(4)]
    with ExitStack() as stack:
        workers = [stack.enter_context(worker("opens", sql_url, name)) for name in names]
        assert [rest(process) for process in workers] == [[f"opened {name}"] for name in names]
    log = SqlLog.open(sql_url, clock=ManualClock())
    listed = (await log.list_sessions("ada", ["guide"], 10)).sessions
    await log.close()
    assert sorted(session.key.id for session in listed) == names


async def test_two_processes_in_one_session_lose_no_turn_and_never_interleave(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    with worker("takes_turns", sql_url, "one", 30) as one, worker("takes_turns", sql_url, "two", 30) as two:
        start(one)
        start(two)
        assert [rest(one), rest(two)] == [[], []]
    head = await sql_log.get(KEY)
    entries = await sql_log.read(head, 1_000)
    assert (head.turns, head.epoch, head.message_count, head.running) == (60, 60, 240, None)
    assert places(entries) == [(turn, step) for turn in range(1, 61) for step in (1, 2, 3)]
    said = [texts(entries[turn * 3 : turn * 3 + 3]) for turn in range(60)]
    whole = [
        [f"{name} {number}", f"{name} first", f"{name} second", f"{name} last"]
        for name in ("one", "two")
        for number in range(30)
    ]
    assert sorted(said) == sorted(whole)
    assert [turn for turn in said if turn in whole[:30]] == whole[:30]


async def test_a_key_used_in_two_processes_at_once_admits_one_turn(sql_url: str, sql_log: SqlLog) -> None:
    count = 40
    for number in range(count):
        await sql_log.create(a_session(a_key(str(number))))
    with worker("asks_with_keys", sql_url, count) as one, worker("asks_with_keys", sql_url, count) as two:
        start(one)
        start(two)
        answers = [told.split() for told in rest(one) + rest(two)]
    assert len(answers) == 2 * count
    for number in range(count):
        mine = [(how, turn) for asked, how, turn in answers if asked == str(number)]
        assert sorted(how for how, _ in mine) == ["admitted", "attached"]
        assert {turn for _, turn in mine} == {await sql_log.turn_for(a_key(str(number)), "the key")}


async def test_a_killed_process_takes_nothing_that_was_told(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    for lifetime in range(1, LIFETIMES + 1):
        now = NOON + lifetime * DAY_MS
        with worker("writes_until_killed", sql_url, now=now) as process:
            told = [int(line(process)) for _ in range(5 * lifetime)][-1]
            await asyncio.sleep(lifetime * 0.0007)
            process.kill()
            process.wait()
        head, entries = await at_rest(sql_log)
        assert head.turns >= told
        assert entries[-1].position == head.last
        assert entries[-1].message_count == head.message_count
        ended = [entry.position.turn for entry in entries if entry.ending is not None]
        assert ended == list(range(1, head.turns + (head.running is None)))
        assert ended[-1] >= told
    head = await sql_log.get(KEY)
    if head.running is not None:
        late = SqlLog.open(sql_url, clock=ManualClock(NOON + 100 * DAY_MS))
        head = await (await take_over(late, KEY, NOON + 101 * DAY_MS)).settle()
        await late.close()
    assert head.status == "idle"


async def test_a_look_from_another_process_never_mixes_two_moments(sql_url: str, sql_log: SqlLog) -> None:
    await sql_log.create(a_session())
    seen = set()
    with worker("tells_steps", sql_url, 4) as process:
        start(process)
        give_up = time.monotonic() + LOOK_SECONDS
        while len(seen) < 30 and time.monotonic() < give_up:
            head, flushed = await sql_log.watch(KEY)
            if flushed:
                assert head.running is not None
                turn = head.running.number
                step = head.last.step + 1 if head.last.turn == turn else 1
                assert flushed == [f"{turn} {step} {part}" for part in range(len(flushed))]
                seen.add((turn, step, len(flushed)))
        assert rest(process) == []
    assert len({parts for _, _, parts in seen}) == 3


@pytest.mark.parametrize("sql_url", ["sqlite"], indirect=True)
async def test_a_file_is_whole_after_its_process_was_killed(sql_url: str, sql_log: SqlLog) -> None:
    file = Path(sql_url.removeprefix("sqlite:///"))
    await sql_log.create(a_session())
    await sql_log.close()
    for lifetime in range(1, 4):
        with worker("writes_until_killed", sql_url, now=NOON + lifetime * DAY_MS) as process:
            for _ in range(7):
                line(process)
            process.kill()
            process.wait()
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
