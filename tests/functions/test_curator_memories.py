"""The curator and what is remembered: last memories are stored before a session's log goes, its own go with it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sessionful.core.memory.extraction import progress_log
from sessionful.domain.memory import Scope
from sessionful.domain.session import Session
from sessionful.stores.dynamodb.bank import DynamoDBBank
from tests.contracts.bank_samples import a_memory, a_source, a_summary, texts_in
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, a_session
from tests.contracts.writer import take_turn
from tests.functions.cold_start import AWS, Context, cold_start
from tests.functions.table_stream import Record, TableStream, as_in_an_event
from tests.stores.dynamodb_servers import Bench, bench
from tests.stores.dynamodb_spoils import dying_at

FACT = "Mia, the user's sister, lives in Oslo."
COMMON, OWN = Scope("guide", "ada"), Scope("guide", "ada", "trip")
ANSWERS = json.dumps(json.dumps({"facts": [{"text": FACT, "turn": 1}]}))


@pytest.fixture
async def table() -> AsyncIterator[Bench]:
    async with bench("moto", ManualClock()) as opened:
        yield opened


@pytest.fixture
def stream(table: Bench) -> TableStream:
    return TableStream(table)


@pytest.fixture
def bank(table: Bench) -> DynamoDBBank:
    return DynamoDBBank(table.client, table.table, table.clock)


@pytest.fixture
def house(table: Bench, tmp_path: Path) -> "Iterator[House]":
    yield House(table, tmp_path)


class House:
    """Opens curators, each as a cold start finds it, with agents that keep memories of this scope."""

    def __init__(self, table: Bench, folder: Path) -> None:
        self._table, self._folder = table, folder

    @contextmanager
    def curator(self, storage: str = "conversational", llm: str = f"{{type: scripted, replies: [{ANSWERS}]}}") -> Any:
        config = self._folder / "agents.yaml"
        config.write_text(f"""\
llms:
  one: {llm}
embedders:
  words: {{type: scripted}}
agents:
  guide: {{llm: one, memory: {{longterm: {{storage_scope: {storage}, batch_size: 0}}}}}}
""")
        store = f"dynamodb:{self._table.table}?endpoint_url={self._table.relay.url}&region={AWS['AWS_REGION']}"
        queue = "sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/worker"
        environment = {"SESSIONFUL_STORE": store, "SESSIONFUL_CONFIG": str(config), "SESSIONFUL_ALARMS": queue}
        with cold_start("curator", **environment) as door:
            yield door


async def swept(curator: ModuleType, records: list[Record], seconds: float = 60.0) -> list[str]:
    """The numbers of the records that it reports."""
    event = json.loads(json.dumps({"Records": records}))
    answer = await asyncio.to_thread(curator.handler, event, Context(seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def let_expire(table: Bench, session: Session) -> Record:
    """What is told of it. (moto's stream ends after some forty changes.)"""
    [head] = [item for item in table.items() if item["sk"]["S"] == "H" and item["g"]["S"] == session.log]
    key = {name: head[name] for name in ("pk", "sk")}
    table.client.delete_item(TableName=table.table, Key=key)
    told = {"Keys": key, "OldImage": head, "SequenceNumber": "1"}
    return as_in_an_event({"eventName": "REMOVE", "dynamodb": told}, by_expiry=True)


async def a_session_that_leaves_much(table: Bench, bank: DynamoDBBank, **fields: Any) -> Session:
    made = await table.log.create(a_session(**fields))
    await take_turn(table.log, KEY, "My sister Mia lives in Oslo", "Noted.")
    await bank.store([a_memory("its own", OWN, sources=(a_source(made.log),)), a_memory("by hand", OWN)])
    await bank.keep_summary("ada", "guide", a_summary(log=made.log))
    await bank.keep_summary("ada", "guide", a_summary(log=progress_log(made.log), turn=0))
    return made


async def test_an_expired_session_leaves_its_last_memories_and_nothing_else(
    table: Bench, stream: TableStream, bank: DynamoDBBank, house: House
) -> None:
    made = await a_session_that_leaves_much(table, bank, system="y" * 500_000)
    stream.expire(made.log)
    records = stream.records()
    with house.curator() as curator:
        for _ in range(2):
            assert await swept(curator, records) == []
            assert await texts_in(bank, COMMON) == [FACT]
        await bank.erase(COMMON)
        assert table.items() == []
        assert await swept(curator, stream.records()) == []
        assert table.items() == []


@pytest.mark.parametrize("storage", ["session", "summaries_only"])
async def test_no_model_is_asked_for_what_goes_with_the_session(
    table: Bench, stream: TableStream, bank: DynamoDBBank, house: House, storage: str
) -> None:
    made = await a_session_that_leaves_much(table, bank)
    stream.expire(made.log)
    with house.curator(storage, llm="{type: openai, model: gpt-4o, base_url: 'http://127.0.0.1:9'}") as curator:
        assert await swept(curator, stream.records()) == []
    assert table.items() == []


async def test_a_deletion_whose_process_died_takes_what_only_that_session_had_said(
    table: Bench, stream: TableStream, bank: DynamoDBBank, house: House
) -> None:
    made = await a_session_that_leaves_much(table, bank)
    said = a_memory("said here", COMMON, sources=(a_source(made.log),))
    await bank.store([said, a_memory("said elsewhere", COMMON, sources=(a_source("other"),))])
    await table.log.delete(KEY)
    records = stream.records(by_expiry=False)
    with house.curator() as curator:
        for _ in range(2):
            assert await swept(curator, records) == []
            assert await texts_in(bank, COMMON) == ["said elsewhere"]
    await bank.erase(COMMON)
    assert table.items() == []


async def test_a_session_that_another_replaced_leaves_what_it_had_said_to_others(
    table: Bench, stream: TableStream, bank: DynamoDBBank, house: House
) -> None:
    clock = table.clock
    assert isinstance(clock, ManualClock)
    old = await a_session_that_leaves_much(table, bank, timeout=10)
    await bank.store([a_memory("said here", COMMON, sources=(a_source(old.log),))])
    clock.advance(20_000)
    new = await table.log.create(a_session(at=clock()))
    await bank.store([a_memory("of the new one", OWN, sources=(a_source(new.log),))])
    with house.curator() as curator:
        assert await swept(curator, stream.records(by_expiry=False)) == []
    assert await texts_in(bank, COMMON) == ["said here"]
    assert sorted(await texts_in(bank, OWN)) == ["by hand", "of the new one"]
    assert await table.log.get(KEY) == new


@pytest.mark.parametrize(("age", "waits"), [(10.0, True), (400.0, False)])
async def test_for_a_model_that_cannot_be_reached_a_young_record_comes_again_and_an_old_one_goes_on(
    table: Bench, stream: TableStream, bank: DynamoDBBank, house: House, age: float, waits: bool
) -> None:
    made = await a_session_that_leaves_much(table, bank)
    stream.expire(made.log)
    [record] = [record for record in stream.records() if record["eventName"] == "REMOVE"]
    record["dynamodb"]["ApproximateCreationDateTime"] = time.time() - age
    unreachable = "{type: openai, model: gpt-4o, api_key: k, base_url: 'http://127.0.0.1:9', max_retries: 0}"
    with house.curator(llm=unreachable) as curator:
        failed = await swept(curator, [record])
    assert failed == ([record["dynamodb"]["SequenceNumber"]] if waits else [])
    assert bool(table.items()) == waits
    with house.curator() as curator:
        assert await swept(curator, [record]) == []
    assert await texts_in(bank, COMMON) == ([FACT] if waits else [])


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_curator_that_dies_midway_leaves_nothing_when_the_record_comes_again(
    table: Bench, bank: DynamoDBBank, house: House, done: bool
) -> None:
    with house.curator() as curator:
        for number in count(1):
            record = let_expire(table, await a_session_that_leaves_much(table, bank))
            table.relay.spoil = dying_at(number, done)
            failed = await swept(curator, [record])
            table.relay.spoil = None
            if failed:
                assert await swept(curator, [record]) == []
            assert await texts_in(bank, COMMON) == [FACT]
            await bank.erase(COMMON)
            assert table.items() == []
            if not failed:
                break
    assert number > 8
