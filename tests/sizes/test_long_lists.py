"""A list of 100,000 sessions: a page costs what the page of a short list costs, at its head and deep inside."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from sessionful.domain.identity import sortable_id
from sessionful.domain.session import SessionKey, SessionPage
from sessionful.ports import SessionLog
from sessionful.stores.cursor import list_place, write_cursor
from sessionful.stores.dynamodb.codec import Head, new_item
from sessionful.stores.sql.rows import digest
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.databases import new_sqlite
from tests.contracts.samples import a_session
from tests.sizes.effort import effort
from tests.sizes.stores import SqlLog
from tests.sizes.talk import AGENT, OWNER, talk
from tests.stores.dynamodb_servers import Bench, bench
from tests.stores.statements import recorded

MINUTE_MS = 60_000
_BATCH = 25


def id_of(number: int) -> str:
    return f"s{number:06}"


async def filled_sqlite(sessions: int) -> str:
    """The address of a database in which one session was made by the store, and all others after its image."""
    url = new_sqlite()
    log = SqlLog.open(url, clock=ManualClock(NOON))
    made = a_session(SessionKey(OWNER, AGENT, id_of(0)), title="a session like many")
    await log.create(made)
    await log.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.row_factory = sqlite3.Row
        (head,) = connection.execute("SELECT * FROM sessionful_heads").fetchall()
        columns = head.keys()

        def like(number: int) -> dict[str, object]:
            id, log_name = id_of(number), f"{made.log}{number}"
            document = head["profile"].replace(made.log, log_name).replace(id_of(0), id)
            moved = {"session": digest(OWNER, AGENT, id), "id": id, "log": log_name, "profile": document}
            return {**dict(head), **moved, "updated_at": NOON + number}

        rows = [like(number) for number in range(1, sessions)]
        connection.executemany("INSERT INTO sessionful_logs VALUES (:log)", rows)
        connection.executemany("INSERT INTO sessionful_holds (log, holder) VALUES (:log, :log)", rows)
        values = ", ".join(f":{name}" for name in columns)
        connection.executemany(f"INSERT INTO sessionful_heads ({', '.join(columns)}) VALUES ({values})", rows)
    return url


async def pages(log: SessionLog, within: str) -> list[SessionPage]:
    """The first page, the next one, and one from a place deep in the list."""
    first = await log.list_sessions(OWNER, [AGENT, "clerk"], 20)
    following = await log.list_sessions(OWNER, [AGENT, "clerk"], 20, first.next_cursor)
    return [first, following, await log.list_sessions(OWNER, [AGENT, "clerk"], 20, within)]


async def test_a_page_of_100_000_sessions_takes_sqlite_the_work_of_a_page_of_100() -> None:
    costs = []
    for sessions in (100, 100_000):
        url, middle = await filled_sqlite(sessions), sessions // 2
        within = write_cursor(list_place(a_session(SessionKey(OWNER, AGENT, id_of(middle)), at=NOON + middle)))
        with effort() as counted:
            log = SqlLog.open(url, clock=ManualClock(NOON + sessions))
            counted.reset()
            with recorded() as sent:
                told = await pages(log, within)
            costs.append((len(sent), counted.instructions))
        newest = [id_of(number) for number in range(sessions - 1, sessions - 41, -1)]
        assert [session.key.id for page in told[:2] for session in page.sessions] == newest
        assert told[2].sessions[0].key.id == id_of(middle - 1)
        async with talk(log, ["yes"], id=id_of(7)) as one:
            assert (await one.say("Are you there?")).response == "yes"
            page = await one.service.list_sessions(OWNER, None, limit=2)
            assert [session.key.id for session in page.sessions] == [id_of(7), id_of(sessions - 1)]
    assert costs[0][0] == costs[1][0]
    assert costs[1][1] < 1.2 * costs[0][1] + 1000


@pytest.fixture
async def table() -> AsyncIterator[Bench]:
    async with bench("moto", ManualClock(NOON)) as opened:
        yield opened


async def test_a_page_costs_dynamodb_the_same_requests_and_units_in_a_list_of_300_and_of_2_000(table: Bench) -> None:
    costs = []
    for first, end in ((0, 300), (300, 2_000)):
        await asyncio.to_thread(put_heads, table, first, end)
        log = table.another()
        deep = await log.list_sessions(OWNER, [AGENT], 100)
        assert deep.next_cursor is not None
        table.relay.watch = table.meter.watch
        table.meter.reset()
        told = await pages(log, deep.next_cursor)
        costs.append((table.meter.requests, table.meter.reads))
        table.relay.watch = None
        await log.close()
        newest = [id_of(number) for number in range(end - 1, end - 41, -1)]
        assert [session.key.id for page in told[:2] for session in page.sessions] == newest
        assert told[2].sessions[0].key.id == id_of(end - 101)
    assert costs[0][0] == costs[1][0]
    assert costs[1][1] <= costs[0][1] + 1  # a fuller page of the index


def put_heads(table: Bench, first: int, end: int) -> None:
    """Sessions as the store makes them, without asking it two thousand times."""
    items = []
    for number in range(first, end):
        at = NOON + number * MINUTE_MS
        session = a_session(SessionKey(OWNER, AGENT, id_of(number)), at=at, log=sortable_id(at))
        items.append(new_item(Head(session, mark=at), "maker"))
    for start in range(0, len(items), _BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH]]
        table.client.batch_write_item(RequestItems={table.table: puts})
