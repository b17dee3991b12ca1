"""What a store takes under no circumstances: told as such, nothing half-written, and the session goes on."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from sessionful.domain.error import PayloadTooLarge
from sessionful.domain.session import SessionChange
from tests.contracts.databases import new_sqlite
from tests.sizes.stores import STORES, Open, SqlLog
from tests.sizes.talk import AGENT, OWNER, Talk, calling, long_words, reading, talk

LIMIT = 500_000
LARGE = long_words(700_000)


@contextmanager
def rows_of_half_a_megabyte() -> Iterator[None]:
    """SQLite's own limit, which is a gigabyte, for every connection that is made in this block."""

    def limit(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIMIT)

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


@pytest.fixture
async def narrow() -> AsyncIterator[Talk]:
    with rows_of_half_a_megabyte():
        replies = [LARGE, "short", calling("read_report"), "never asked for", "short again"]
        settings = {"limits": {"tool_result_chars": 1_000_000}}
        async with talk(SqlLog.open(new_sqlite()), replies, [reading(LARGE)], **settings) as one:
            yield await one.open()


async def test_a_step_no_store_takes_ends_its_turn_as_failed_and_the_session_goes_on(narrow: Talk) -> None:
    record = await narrow.say("Say a lot")
    assert (record.status, (record.error or {}).get("code")) == ("failed", "payload_too_large")
    assert (await narrow.service.get_turn(OWNER, AGENT, narrow.id, record.turn_id)) == record
    assert (await narrow.say("Say little")).response == "short"
    record = await narrow.say("Read it")
    assert (record.status, (record.error or {}).get("code")) == ("failed", "payload_too_large")
    session = await narrow.service.get_session(OWNER, AGENT, narrow.id)
    assert (session.status, session.turns) == ("idle", 3)
    assert (await narrow.service.fork_session(OWNER, AGENT, narrow.id)).message_count == session.message_count


async def test_a_message_no_store_takes_is_refused_before_anything_is_written(narrow: Talk) -> None:
    before = await narrow.service.get_session(OWNER, AGENT, narrow.id)
    with pytest.raises(PayloadTooLarge):
        await narrow.say(LARGE, idempotency_key="k", request_hash="h")
    assert await narrow.service.get_session(OWNER, AGENT, narrow.id) == before
    assert await narrow.messages() == []
    assert narrow.model.requests == []
    record = await narrow.say("short", idempotency_key="k", request_hash="other")
    assert record.message.text == "short"


@pytest.mark.parametrize("another", [name for name in STORES if name != "in_memory"], indirect=True)
async def test_settings_no_store_takes_are_refused_and_the_old_ones_stay(another: Open) -> None:
    async with talk(another()) as one:
        await one.open(state={"notes": "short"})
        too_much = SessionChange(state={"notes": long_words(9_000_000)})
        with pytest.raises(PayloadTooLarge):
            await one.service.change_session(OWNER, AGENT, one.id, too_much)
        assert (await one.service.get_session(OWNER, AGENT, one.id)).state == {"notes": "short"}
        assert (await one.say("Go on")).status == "completed"
