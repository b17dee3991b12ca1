"""The curator: what it leaves behind of ended sessions is nothing, and of living ones everything."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import count
from types import ModuleType
from typing import Any

import pytest

from sessionful.domain.error import ConfigError
from sessionful.domain.session import Position
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, a_key, a_session, texts
from tests.contracts.writer import begin, take_turn
from tests.functions.cold_start import AWS, Context, cold_start
from tests.functions.table_stream import Record, TableStream
from tests.stores.dynamodb_servers import Bench, bench
from tests.stores.dynamodb_spoils import dying_at

CHILD = a_key("child")


@pytest.fixture
async def table() -> AsyncIterator[Bench]:
    async with bench("moto", ManualClock()) as opened:
        yield opened


@pytest.fixture
def stream(table: Bench) -> TableStream:
    return TableStream(table)


@pytest.fixture
async def curator(table: Bench) -> AsyncIterator[ModuleType]:
    store = f"dynamodb:{table.table}?endpoint_url={table.relay.url}&region={AWS['AWS_REGION']}"
    with cold_start("curator", SESSIONFUL_STORE=store) as door:
        yield door
        await door._log.close()


async def swept(curator: ModuleType, records: list[Record], seconds: float = 60.0) -> list[str]:
    """The numbers of the records that it reports."""
    event = json.loads(json.dumps({"Records": records}))
    answer = await asyncio.to_thread(curator.handler, event, Context(seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def numbers(records: list[Record]) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in records]


def left(table: Bench) -> list[Record]:
    """Without the marks of forks that were let go (see erasing.py), which say nothing and go by themselves."""
    return [item for item in table.items() if item.keys() != {"pk", "sk", "g", "ttl"}]


async def test_nothing_is_left_of_a_session_that_the_table_let_expire(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    made = await table.log.create(a_session(state={"s": "x" * 5_000}, system="y" * 500_000))
    writer = await begin(table.log, text="a" * 500_000, idempotency_key="once")
    await writer.settle("b" * 500_000)
    await take_turn(table.log)
    stream.expire(made.log)
    records = stream.records()
    for _ in range(2):
        assert await swept(curator, records) == []
        assert table.items() == []
    assert await swept(curator, stream.records()) == []


async def test_what_somebody_deletes_or_writes_is_none_of_its_business(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    made = await table.log.create(a_session())
    await take_turn(table.log)
    stream.expire(made.log)
    before = table.items()
    assert await swept(curator, stream.records(by_expiry=False)) == []
    assert table.items() == before != []


async def test_a_connection_that_expires_is_none_of_its_business(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    key = {"pk": {"S": "W#one"}, "sk": {"S": "H"}}
    table.client.put_item(TableName=table.table, Item=key)
    table.client.delete_item(TableName=table.table, Key=key)
    assert await swept(curator, stream.records()) == []


@pytest.mark.parametrize("first", ["parent", "child"])
async def test_a_fork_keeps_its_past_and_the_last_that_goes_takes_it_along(
    table: Bench, stream: TableStream, curator: ModuleType, first: str
) -> None:
    parent = await table.log.create(a_session())
    await take_turn(table.log, KEY, "one", "a", "b")
    child = await table.log.fork(KEY, Position(1, 1), a_session(CHILD))
    if first == "child":
        stream.expire(child.log)
        assert await swept(curator, stream.records()) == []
        stream.expire(parent.log)
    else:
        stream.expire(parent.log)
        assert await swept(curator, stream.records()) == []
        assert texts(await table.log.read(child, 10)) == ["one", "a"]
        stream.expire(child.log)
    last = stream.records()
    for _ in range(2):
        assert await swept(curator, last) == []
        assert left(table) == []


async def test_a_deletion_whose_process_died_is_finished(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    for number in count(1):
        await table.log.create(a_session())
        await take_turn(table.log, KEY, "one", "a", "b")
        await table.log.fork(KEY, None, a_session(CHILD))
        await take_turn(table.log, CHILD, "two", "c")
        await table.log.delete(KEY)
        mortal = table.another()
        table.relay.spoil = dying_at(number, done=True)
        died = isinstance((await asyncio.gather(mortal.delete(CHILD), return_exceptions=True))[0], Exception)
        table.relay.spoil = None
        await mortal.close()
        assert await swept(curator, stream.records(by_expiry=False)) == []
        assert table.items() == []
        if not died:
            break
    assert number >= 4


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_sweep_that_dies_midway_is_reported_and_done_when_it_comes_again(
    table: Bench, stream: TableStream, curator: ModuleType, done: bool
) -> None:
    for number in count(1):
        await table.log.create(a_session())
        await take_turn(table.log, KEY, "one", "a" * 500_000)
        child = await table.log.fork(KEY, None, a_session(CHILD))
        await table.log.delete(KEY)
        stream.expire(child.log)
        records = stream.records()
        table.relay.spoil = dying_at(number, done)
        failed = await swept(curator, records)
        table.relay.spoil = None
        if failed:
            [first] = failed
            again = records[numbers(records).index(first) :]
            assert await swept(curator, again) == []
        assert await swept(curator, stream.records()) == []
        assert left(table) == []
        if not failed:
            break
    assert number >= 4


async def test_a_record_that_cannot_be_swept_holds_up_no_other_session(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    made = [await table.log.create(a_session(a_key(name))) for name in ("one", "two", "three")]
    for session in made:
        stream.expire(session.log)
    records = stream.records()
    removed = [record for record in records if record["eventName"] == "REMOVE"]
    [poison] = [record for record in removed if record["dynamodb"]["OldImage"]["g"]["S"] == made[1].log]
    poison["dynamodb"]["OldImage"] = {"pk": {"S": "S#?"}, "sk": {"S": "H"}}
    assert await swept(curator, records) == numbers([poison])
    assert table.items() == []


async def test_of_several_that_fail_the_first_is_reported(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    for name in ("one", "two", "three"):
        made = await table.log.create(a_session(a_key(name)))
        stream.expire(made.log)
    records = [record for record in stream.records() if record["eventName"] == "REMOVE"]
    for record in records[1:]:
        record["dynamodb"]["OldImage"] = {"sk": {"S": "H"}}
    assert await swept(curator, records) == numbers(records)[1:2]


async def test_what_the_time_does_not_suffice_for_comes_again(
    table: Bench, stream: TableStream, curator: ModuleType
) -> None:
    made = await table.log.create(a_session())
    await take_turn(table.log)
    stream.expire(made.log)
    records = [record for record in stream.records() if record["eventName"] == "REMOVE"][-1:]
    assert await swept(curator, records, seconds=1.0) == numbers(records)
    assert table.items() != []
    assert await swept(curator, records) == []
    assert table.items() == []


@pytest.mark.parametrize("store", ["", "memory", "sessions.db"])
def test_without_a_table_it_does_not_open(store: str) -> None:
    with pytest.raises(ConfigError, match="SESSIONFUL_STORE"), cold_start("curator", SESSIONFUL_STORE=store):
        pass


def test_it_loads_the_store_and_nothing_that_talks_to_models_or_browsers() -> None:
    loaded = _loaded_by("functions.curator")
    assert {"boto3", "sessionful.stores.dynamodb.log"} <= loaded
    strangers = ["fastapi", "starlette", "mangum", "yaml", "jsonschema", "httpx", "sqlalchemy", "aws_xray_sdk.core"]
    ours = ["config", "surfaces", "models", "tools", "auth", "cli", "alarms.worker"]
    assert loaded.isdisjoint([*strangers, *(f"sessionful.{name}" for name in ours), "functions.opening"])


def _loaded_by(module: str) -> set[str]:
    code = f"import sys\nsys.path[:0] = {[p for p in sys.path if p]!r}\nimport {module}\nprint(*sys.modules)"
    environment: dict[str, Any] = {**AWS, "SESSIONFUL_STORE": "dynamodb:sessions"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return set(done.stdout.split())
