"""The layout knows its version: one of an older release is brought up in place, one of a newer release is refused."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, NullPool, create_engine, inspect, text

from sessionful.domain.error import ConfigError
from sessionful.domain.turn import Lease
from sessionful.stores.sql import SqlLog
from sessionful.stores.sql.address import make_folder, read_address
from sessionful.stores.sql.schema import METADATA, VERSION
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_session, texts
from tests.contracts.writer import Writer, begin, begin_next, take_over, wait_in_line
from tests.stores.processes import rest, worker
from tests.stores.sql_version_1 import lay_out_version_1

LATER = NOON + 60_000


@pytest.fixture
def engine(sql_url: str) -> Iterator[Engine]:
    make_folder(read_address(sql_url))
    engine = create_engine(read_address(sql_url), poolclass=NullPool)
    yield engine
    engine.dispose()


def laid_out(engine: Engine) -> dict[str, set[str | None]]:
    """The columns and the indexes of each table."""
    seen = inspect(engine)
    return {
        name: {column["name"] for column in seen.get_columns(name)}
        | {index["name"] for index in seen.get_indexes(name) if "duplicates_constraint" not in index}
        for name in seen.get_table_names()
    }


def wanted() -> dict[str, set[str | None]]:
    return {
        table.name: {*table.columns.keys(), *(index.name for index in table.indexes)}
        for table in METADATA.sorted_tables
    }


async def test_a_layout_of_a_newer_release_is_refused(sql_url: str, sql_log: SqlLog, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE sessionful_schema SET version = version + 1"))
    with pytest.raises(ConfigError) as refused:
        SqlLog.open(sql_url)
    assert refused.value.details["found"] == refused.value.details["known"] + 1


async def test_a_session_of_the_first_release_goes_on(sql_url: str, engine: Engine) -> None:
    lay_out_version_1(engine)
    log = SqlLog.open(sql_url, clock=ManualClock())
    head = await log.get(KEY)
    assert head.running is not None
    assert (head.turns, head.queued, head.running.released, head.running.options) == (2, 0, False, {})
    assert texts(await log.read(head, 10)) == ["hello", "one"]
    assert await log.turn_for(KEY, "k") == "turn_2_nonce"
    writer = Writer(log, Lease(KEY, "old", epoch=2, turn=2, attempt=1), head)
    assert await writer.flush("half") is False
    await wait_in_line(log)
    assert (await log.watch(KEY)).flushed == ["half"]
    await log.release(writer.lease)
    taken = await take_over(log)
    assert (taken.flushed, taken.lease.attempt) == (["half"], 1)
    await taken.settle()
    head = await (await begin_next(log)).settle()
    assert texts(await log.read(head, 10)) == ["hello", "one", "and then", "done", "later", "done"]
    await log.delete(KEY)
    await log.create(a_session())
    await log.close()


async def test_the_state_of_a_session_of_the_first_release_is_stored_with_its_next_turn(
    sql_url: str, engine: Engine
) -> None:
    lay_out_version_1(engine)
    log = SqlLog.open(sql_url, clock=ManualClock(LATER))
    head = await (await take_over(log)).settle()
    assert (head.state_at, head.state_moved, head.state) == ((2, 1), False, {"mood": "fine"})
    assert [entry.state for entry in await log.read(head, 10)] == [None, {"mood": "fine"}]
    head = await (await begin(log)).settle()
    (entry,) = await log.turn(head, 3)
    assert (entry.state, entry.state_at) == (None, (2, 1))
    await log.close()


async def test_an_older_layout_becomes_what_a_new_one_is(sql_url: str, engine: Engine) -> None:
    lay_out_version_1(engine)
    await SqlLog.open(sql_url).close()
    assert laid_out(engine) == wanted()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM sessionful_schema")).scalars().all() == [VERSION]


async def test_a_change_that_broke_off_half_way_is_carried_to_its_end(sql_url: str, engine: Engine) -> None:
    lay_out_version_1(engine)
    with engine.begin() as connection:  # as MySQL may leave it: it commits each change of a table as it is made
        connection.execute(text("ALTER TABLE sessionful_heads ADD COLUMN queued BIGINT NOT NULL DEFAULT '0'"))
    log = SqlLog.open(sql_url, clock=ManualClock(LATER))
    await (await take_over(log)).settle()
    await log.close()
    assert laid_out(engine) == wanted()


async def test_processes_that_start_at_once_bring_the_tables_up_together(sql_url: str, engine: Engine) -> None:
    lay_out_version_1(engine)
    names = [f"p{number}" for number in range(4)]
    with ExitStack() as stack:
        workers = [stack.enter_context(worker("opens", sql_url, name)) for name in names]
        assert [rest(process) for process in workers] == [[f"opened {name}"] for name in names]
    log = SqlLog.open(sql_url, clock=ManualClock())
    listed = (await log.list_sessions("ada", ["guide"], 10)).sessions
    await log.close()
    assert sorted(session.key.id for session in listed) == [*names, "trip"]
