"""Turns that wait on DynamoDB: what comes between two of its requests costs none of them."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from sessionful.domain.session import SessionKey
from sessionful.domain.turn import Admitted
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_session, texts
from tests.contracts.writer import begin, begin_next, wait_in_line
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_units import item_size

SCHEMA = {"type": "object", "properties": {f"p{number}": {"const": os.urandom(40).hex()} for number in range(60)}}


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with bench(request.param, ManualClock()) as opened:
        yield opened


def waiting(table: Bench) -> list[Json]:
    return [item for item in table.items() if item["sk"]["S"].startswith("Q#")]


def meanwhile(table: Bench, key: Json, expression: str, **values: Json) -> None:
    """Another process writes, just before the next transaction arrives."""

    def spoil(operation: str, request: Json, forward: Forward) -> Answer:
        if operation == "TransactWriteItems" and table.relay.spoil is not None:
            table.relay.spoil = None
            given = {"ExpressionAttributeValues": values} if values else {}
            table.client.update_item(TableName=table.table, Key=key, UpdateExpression=expression, **given)
        return forward()

    table.relay.spoil = spoil


async def test_a_wish_to_cancel_that_comes_while_its_turn_begins_is_not_lost(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    await wait_in_line(table.log)
    await writer.settle()
    (item,) = waiting(table)
    meanwhile(table, {name: item[name] for name in ("pk", "sk")}, "SET rc = :yes", **{":yes": {"BOOL": True}})
    following = await begin_next(table.log)
    assert await table.log.peek(following.lease) is True
    assert following.session.running is not None
    assert following.session.running.cancel_asked


async def test_a_turn_is_put_in_line_although_the_head_moves_meanwhile(table: Bench) -> None:
    await table.log.create(a_session())
    await begin(table.log)
    (head,) = [item for item in table.items() if item["sk"]["S"] == "H"]
    meanwhile(table, {name: head[name] for name in ("pk", "sk")}, "SET v = v + :one", **{":one": {"N": "1"}})
    queued = await wait_in_line(table.log)
    assert queued.session == await table.log.get(KEY)
    assert [turn.turn_id for turn in await table.log.queued(KEY)] == [queued.turn_id]
    assert len(waiting(table)) == 1


async def test_of_many_processes_one_begins_the_turn_that_waits(table: Bench) -> None:
    await table.log.create(a_session())
    writer = await begin(table.log)
    await wait_in_line(table.log)
    await writer.settle()
    logs = [table.another() for _ in range(6)]
    told = await asyncio.gather(*(log.begin_next(KEY, LEASE_MS, WINDOW) for log in logs))
    assert len([one for one in told if isinstance(one, Admitted)]) == 1
    for log in logs:
        await log.close()


async def test_what_a_turn_is_asked_with_burdens_no_head_that_is_flushed(table: Bench) -> None:
    await table.log.create(a_session())
    fields = {"options": {"temperature": 0.5}, "answer_schema": SCHEMA}
    writer = await begin(table.log, KEY, "x" * 5_000, **fields)
    await wait_in_line(table.log, KEY, "later", **fields)
    await writer.flush("told")
    assert item_size(next(item for item in table.items() if item["sk"]["S"] == "H")) < 1024
    await writer.settle()
    elsewhere = table.another()
    (queued,) = await elsewhere.queued(KEY)
    following = await begin_next(elsewhere)
    running = (await table.log.get(KEY)).running
    assert running is not None
    for turn in (queued, running, following.session.running):
        assert turn is not None
        assert (turn.options, turn.answer_schema, turn.message.text) == (*fields.values(), "later")
    await following.settle()
    await elsewhere.close()
    assert sorted(item["sk"]["S"][0] for item in table.items()) == ["H", "L", "L"]


async def test_a_session_used_again_does_not_see_who_waited_in_the_one_before(table: Bench) -> None:
    await table.log.create(a_session())
    await begin(table.log)
    await wait_in_line(table.log)
    (left,) = waiting(table)
    await table.log.delete(KEY)
    table.client.put_item(TableName=table.table, Item=left)  # as if its eraser had died
    await table.log.create(a_session(SessionKey(*KEY)))
    writer = await begin(table.log)
    await wait_in_line(table.log, KEY, "new")
    await writer.settle()
    head = await (await begin_next(table.log)).settle()
    assert await table.log.begin_next(KEY, LEASE_MS, WINDOW) is None
    assert texts(await table.log.read(head, 10)) == ["hello", "done", "new", "done"]
