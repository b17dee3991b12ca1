"""The arithmetic of units: by hand from the published rules, and against DynamoDB Local where there is one.

DynamoDB Local 1.25.1 answers the same number for a transaction of one item as for one of five, so it is asked about the
items one by one; that a transaction costs twice that is the published rule.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessionful.stores.dynamodb.table import INDEX, INDEX_PARTITION, INDEX_SORT, PARTITION, SORT
from tests.contracts.clock import ManualClock
from tests.contracts.samples import a_key, a_session
from tests.contracts.writer import begin, take_turn
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_units import Item, index_units, item_size, read_units, write_units

KEYS = (PARTITION, SORT)
INDEX_KEYS = (INDEX_PARTITION, INDEX_SORT)


def test_sizes_follow_the_published_rules() -> None:
    assert item_size({"pk": {"S": "é"}}) == 4
    assert item_size({"n": {"N": "1800000000000"}}) == 1 + 1 + 1
    assert item_size({"n": {"N": "-12.345"}}) == 1 + 3 + 1 + 1
    assert item_size({"b": {"B": "AAECAw=="}}) == item_size({"b": {"B": b"\x00\x01\x02\x03"}}) == 5
    assert item_size({"yes": {"BOOL": True}, "no": {"NULL": True}}) == 4 + 3
    assert item_size({"l": {"L": [{"S": "ab"}, {"N": "7"}]}}) == 1 + 3 + (1 + 2) + (1 + 2)
    assert item_size({"m": {"M": {"ab": {"S": "c"}}}}) == 1 + 3 + (1 + 2 + 1)


def test_units_follow_the_published_rules() -> None:
    small, large = ({"pk": {"S": "x" * size}} for size in (1022, 1023))
    assert (write_units(None, small), write_units(None, large)) == (1, 2)
    assert write_units(large, small) == write_units(small, large) == write_units(large, None) == 2
    assert write_units(None, None) == 1
    assert write_units(None, small, transactional=True) == 2
    assert read_units([4096], True, together=False) == 1
    assert read_units([4097], False, together=False) == 1
    assert read_units([100] * 41, True, together=True) == 2
    assert read_units([100] * 41, False, together=False) == 20.5


def test_an_index_costs_what_changes_in_it() -> None:
    keys: Item = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    marked: Item = {**keys, "a": {"S": "a"}, "m": {"N": "1"}}
    moved: Item = {**marked, "m": {"N": "2"}}
    assert index_units(None, keys, INDEX_KEYS, KEYS) == 0
    assert index_units(None, marked, INDEX_KEYS, KEYS) == 1
    assert index_units(marked, {**marked, "d": {"S": "more"}}, INDEX_KEYS, KEYS) == 0
    assert index_units(marked, moved, INDEX_KEYS, KEYS) == 2
    assert index_units(moved, None, INDEX_KEYS, KEYS) == 1


@pytest.fixture(params=[server for server in SERVERS if server != "moto"])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with bench(request.param, ManualClock()) as opened:
        yield opened


async def every_kind_of_item(table: Bench, clock: ManualClock) -> list[dict[str, Any]]:
    await table.log.create(a_session(metadata={"m": "x" * 1500}, timeout=60))
    for number in range(3):
        clock.advance(20 * 60_000)
        await table.log.create(a_session(a_key(f"s{number}"), at=clock(), state={"s": "y" * number * 500}))
        for _ in range(4):
            writer = await begin(table.log, a_key(f"s{number}"), "hello " * 100, idempotency_key=str(_))
            await writer.append("a" * 700)
            await writer.settle("b" * number * 900)
    await take_turn(table.log, a_key("s1"))
    await table.log.fork(a_key("s1"), None, a_session(a_key("child")))
    await begin(table.log, a_key("s1"), "running " * 40)
    await table.log.delete(a_key("s2"))
    return table.items()


async def test_the_arithmetic_agrees_with_dynamodb_local(table: Bench) -> None:
    assert isinstance(table.clock, ManualClock)
    asked: dict[str, Any] = {"TableName": table.table, "ReturnConsumedCapacity": "INDEXES"}
    seen = set()
    for item in await every_kind_of_item(table, table.clock):
        seen.add(item[SORT]["S"][0])
        copy = {**item, PARTITION: {"S": item[PARTITION]["S"][::-1]}}
        for before, after in (
            (None, copy),
            (copy, {**copy, "more": {"S": "z" * 1100}}),
            ({**copy, "m": {"N": "5"}}, copy),
        ):
            for image in (before, after):
                if image is not None:
                    told = table.client.put_item(Item=image, **asked)["ConsumedCapacity"]
            index = told.get("GlobalSecondaryIndexes", {}).get(INDEX, {}).get("CapacityUnits", 0)
            assert told["Table"]["CapacityUnits"] == write_units(before, after)
            assert index == index_units(before, after, INDEX_KEYS, KEYS)
            table.client.delete_item(TableName=table.table, Key={name: copy[name] for name in KEYS})
        read = table.client.get_item(Key={name: item[name] for name in KEYS}, ConsistentRead=True, **asked)
        assert read["ConsumedCapacity"]["CapacityUnits"] == read_units([item_size(item)], True, together=False)
    assert seen == set("HLI")
    pages = table.client.query(
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": next(i[PARTITION] for i in table.items() if i[SORT]["S"] == "H")},
        ConsistentRead=True,
        **asked,
    )
    expected = read_units(map(item_size, pages["Items"]), True, together=True)
    assert pages["ConsumedCapacity"]["CapacityUnits"] == expected
