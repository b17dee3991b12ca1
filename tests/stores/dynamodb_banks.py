"""A bank on DynamoDB whose every request passes a relay, and memories by the hundred."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

from sessionful.domain.memory import Memory, Scope
from sessionful.ports import Clock
from sessionful.stores.dynamodb.bank import DynamoDBBank, places
from sessionful.stores.dynamodb.bank.codec import Kept, write_memory
from sessionful.stores.dynamodb.bank.table import create_memory_table
from tests.contracts.bank_samples import MINE, a_memory, a_source
from tests.contracts.clock import NOON
from tests.stores.dynamodb_meter import Meter
from tests.stores.dynamodb_relay import Relay, relay_before
from tests.stores.dynamodb_servers import client_of, url_of

MODEL = "wordllama/256"
LOG = "01jd2ghsx0abcdefghjkmnpqrs"
SENTENCE = "The user's sister Chloe lives in Vienna and works there as a violinist"


@dataclass
class BankBench:
    """`client` goes past the relay."""

    bank: DynamoDBBank
    relay: Relay
    meter: Meter
    client: Any
    table: str
    clock: Clock

    def items(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def another(self) -> DynamoDBBank:
        """A bank that another process might have: it knows nothing that this one knows."""
        return DynamoDBBank(client_of(self.relay.url), self.table, self.clock)


@asynccontextmanager
async def bank_bench(server: str, clock: Clock) -> AsyncIterator[BankBench]:
    url, table = url_of(server), f"bank-{uuid4().hex}"
    client = client_of(url)
    await asyncio.to_thread(create_memory_table, client, table)
    with relay_before(url) as relay:
        bank = DynamoDBBank(client_of(relay.url), table, clock)
        yield BankBench(bank, relay, Meter(client, table), client, table, clock)
        await bank.close()
    await asyncio.to_thread(client.delete_table, TableName=table)


def put_beside(table: BankBench, memories: Sequence[Memory]) -> None:
    """Into the table past the bank, which would be slow with thousands. For who has read nothing yet."""
    items = [write_memory(places.partition(one.scope), Kept(one, by_hand=False)) for one in memories]
    for start in range(0, len(items), 25):
        batch = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        table.client.batch_write_item(RequestItems={table.table: batch})


@cache
def a_vector(number: int, dimensions: int = 256) -> tuple[float, ...]:
    seeded = random.Random(number)
    drawn = [seeded.gauss(0, 1) for _ in range(dimensions)]
    length = sum(one * one for one in drawn) ** 0.5
    return tuple(one / length for one in drawn)


def a_fact(number: int, scope: Scope = MINE, **fields: Any) -> Memory:
    """A sentence of the usual length, as it was said in some session and embedded."""
    given = {
        "created_at": NOON + number,
        "sources": (a_source(LOG, turn=number + 1, session_id=f"sess_{LOG}"),),
        "model": MODEL,
        "vector": a_vector(number),
        **fields,
    }
    return a_memory(f"{SENTENCE}, number {number}", scope, **given)
