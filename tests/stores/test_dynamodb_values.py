"""Values as DynamoDB items: nothing is lost, and nothing is larger than an item may be."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.error import ConfigError, InvalidRequest, PayloadTooLarge
from sessionful.domain.message import Message, Text, ToolCall, ToolResult
from sessionful.domain.session import Position, Segment, SessionChange, SessionKey
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage
from sessionful.stores.dynamodb import DynamoDBLog, keys
from sessionful.stores.dynamodb.entries import read_entry, write_entry
from sessionful.stores.dynamodb.flushed import Flushed, read_flushed, write_flushed
from sessionful.stores.dynamodb.packing import ENTRY_BYTES, MESSAGE_BYTES, SETTINGS_BYTES, pack, unpack
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, texts
from tests.contracts.writer import begin, take_turn
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_units import item_size

ITEM_LIMIT = 400 * 1024

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=5), json_values, max_size=3)
usages = st.builds(Usage, input_tokens=st.integers(0, 9), cached_tokens=st.integers(0, 9))
texts_ = st.text(max_size=20)
parts = (
    st.builds(Text, text=texts_)
    | st.builds(ToolCall, id=texts_, name=texts_, arguments=objects, invalid=st.none() | texts_)
    | st.builds(ToolResult, call_id=texts_, content=texts_, is_error=st.booleans())
)
messages = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool", "system"]),
    parts=st.lists(parts, max_size=3).map(tuple),
)
moments = st.integers(0, 2**45)
endings = st.builds(
    Ending,
    status=st.sampled_from(["completed", "failed", "cancelled", "interrupted"]),
    ended_at=moments,
    steps=st.integers(0, 5),
    usage=usages,
    error=st.none() | objects,
    output=json_values,
)
entries = st.builds(
    Entry,
    position=st.builds(Position, st.integers(1, 2**31 - 1), st.integers(1, 99_999)),
    turn_id=st.sampled_from(["", "turn_1_", "turn_1_x", "by hand"]) | texts_,
    attempt=st.integers(1, 9),
    agent=texts_,
    at=moments,
    started_at=moments,
    given=st.lists(messages, max_size=2).map(tuple),
    reply=st.none() | messages,
    results=st.none() | messages,
    torn=st.booleans(),
    stop_reason=st.sampled_from(["end_turn", "", "tool_use"]),
    usage=usages,
    ending=st.none() | endings,
    idempotency_key=st.none() | texts_,
    message_count=st.integers(0, 10**6),
    usage_total=usages,
    state=st.none() | objects,
    state_at=st.none() | st.builds(Position, st.integers(1, 9), st.integers(1, 9)),
)


lines = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=300)
flushes = st.builds(
    Flushed,
    epoch=st.integers(1, 2**31),
    number=st.integers(1, 2**31),
    chunks=st.none() | st.tuples(st.integers(1, 99), st.integers(1, 2**31)),
    tail=st.lists(lines, max_size=5).map(tuple),
)


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with bench(request.param, ManualClock()) as opened:
        yield opened


@settings(deadline=None, database=None, max_examples=300)
@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert read_entry(write_entry(entry), entry.position) == entry


@given(flushes)
def test_what_was_flushed_is_read_as_it_was_written(flushed: Flushed) -> None:
    assert read_flushed(write_flushed(flushed)) == flushed


@given(texts_.map(lambda text: text * 300), st.sampled_from([SETTINGS_BYTES, MESSAGE_BYTES, ENTRY_BYTES]))
def test_a_text_is_unpacked_as_it_was_packed(text: str, inline: int) -> None:
    packed = pack(text, inline, "p", keys.ENTRY_PIECE, "log")
    assert packed.pieces == []
    assert unpack(packed.attribute) == text


def test_places_sort_as_their_keys_do() -> None:
    places = [Position(turn, step) for turn in (1, 9, 10, 2**31 - 1) for step in (1, 2, 10, 99_999)]
    sorts = [keys.entry("log", place) for place in places]
    assert sorts == sorted(sorts)
    assert [keys.position(sort) for sort in sorts] == places


def test_no_log_or_key_is_taken_for_another() -> None:
    logs = ["a", "A", "a#b", "a#", "#a", "", "~a", "x" * 65, "x" * 66, "é", "log 1"]
    assert len({keys.log_name(log) for log in logs}) == len(logs)
    assert all("#" not in keys.log_name(log) for log in logs)
    alike = [
        SessionKey("a", "b", "c"),
        SessionKey("ab", "", "c"),
        SessionKey("a", "bc", ""),
        SessionKey('a","b', "", "c"),
    ]
    assert len({keys.partition(key) for key in alike}) == len(alike)


async def test_no_item_is_larger_than_an_item_may_be_and_all_comes_back(table: Bench) -> None:
    await table.log.create(a_session(state={"noise": os.urandom(300_000).hex()}))
    said = [os.urandom(size // 2).hex() for size in (8_000, 9_000, 66_000, 132_000, 650_000, 6_000_000)]
    for text in said:
        writer = await begin(table.log, text=text)
        assert max(map(item_size, table.items())) < ITEM_LIMIT
        await writer.settle(text)
    assert max(map(item_size, table.items())) < ITEM_LIMIT
    elsewhere = table.another()
    assert texts(await elsewhere.read(await elsewhere.get(KEY), 10)) == [text for text in said for _ in range(2)]
    await elsewhere.close()
    await table.log.delete(KEY)
    assert table.items() == []


async def test_large_settings_cost_a_turn_nothing_to_write(table: Bench) -> None:
    noise = os.urandom(30_000).hex()
    await table.log.create(a_session(system=noise))
    table.relay.watch = table.meter.watch
    await take_turn(table.log)
    assert table.meter.writes == 5
    table.meter.reset()
    head = await take_turn(table.log)
    assert (head.system, sorted(table.meter.requests)) == (noise, ["Query", "TransactWriteItems", "UpdateItem"])


async def test_settings_that_were_replaced_leave_nothing_behind(table: Bench) -> None:
    await table.log.create(a_session(system=os.urandom(3_000).hex()))
    before = len(table.items())
    for _ in range(3):
        await table.log.change(KEY, SessionChange(state={"s": os.urandom(3_000).hex()}))
    assert len(table.items()) == before
    await table.log.change(KEY, SessionChange(system=None, state={}))
    assert len(table.items()) == 1


async def test_a_reader_that_comes_while_settings_are_replaced_sees_one_or_the_other(table: Bench) -> None:
    noise = [os.urandom(3_000).hex() for _ in range(2)]
    await table.log.create(a_session(system=noise[0]))
    reader = table.another()

    async def change() -> None:
        for number in range(12):
            await table.log.change(KEY, SessionChange(system=noise[number % 2]))

    async def read() -> None:
        for _ in range(25):
            assert (await reader.get(KEY)).system in noise

    await asyncio.gather(change(), read())
    await reader.close()


async def test_settings_that_are_too_large_are_refused_before_anything_is_written(table: Bench) -> None:
    with pytest.raises(PayloadTooLarge):
        await table.log.create(a_session(state={"s": "x" * 1_000_001}))
    assert table.items() == []
    made = await table.log.create(a_session())
    with pytest.raises(PayloadTooLarge):
        await table.log.change(KEY, SessionChange(metadata={"m": "x" * 1_000_001}))
    assert await table.log.get(KEY) == made


async def test_a_session_is_not_rebased_onto_a_strangers_log(table: Bench) -> None:
    stranger = await table.log.create(a_session(a_key("stranger")))
    await table.log.create(a_session())
    with pytest.raises(InvalidRequest):
        await table.log.rebase(KEY, [Segment(log=stranger.log, upto=Position(1, 1))], 1)


async def test_times_are_kept_to_the_last_digit(table: Bench) -> None:
    for number, seconds in enumerate([0.29, 0.57, 1.001, 1 / 3, 1e-9, 86_400, 10**9, 0.1 + 0.2]):
        given = a_session(a_key(f"s{number}"), at=NOON, timeout=seconds, max_duration=seconds)
        assert await table.log.create(given) == given
        made = next(item for item in table.items() if item["g"]["S"] == given.log)
        assert given.expires_at == int(made["ix"]["N"]) == int(made["hx"]["N"])


def test_boto3_is_loaded_by_those_who_open_a_table() -> None:
    code = "import sys, sessionful.stores.dynamodb; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    path = os.pathsep.join(sys.path)
    told = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, check=True)
    assert told.stdout == b"[]\n"


async def test_a_log_opens_its_own_client(table: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    log = DynamoDBLog.open(table.table, region="eu-central-1", endpoint_url=table.relay.url)
    made = await log.create(a_session())
    assert await log.get(KEY) == made
    await log.close()


def test_a_region_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError):
        DynamoDBLog.open("sessions")
