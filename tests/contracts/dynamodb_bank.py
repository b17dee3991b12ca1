"""The bank on DynamoDB for the suite: each test has a table of memories of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sessionful.ports import Clock
from sessionful.stores.dynamodb.bank import DynamoDBBank
from sessionful.stores.dynamodb.bank.table import create_memory_table


@asynccontextmanager
async def dynamodb_bank(client: Any, clock: Clock) -> AsyncIterator[tuple[DynamoDBBank, Callable[[], Awaitable[int]]]]:
    """A bank, and the number of items in its table."""
    table = f"memories-{uuid4().hex}"
    await asyncio.to_thread(create_memory_table, client, table)
    bank = DynamoDBBank(client=client, table=table, clock=clock)

    def count() -> int:
        pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT", ConsistentRead=True)
        return sum(page["Count"] for page in pages)

    async def raw_count() -> int:
        return await asyncio.to_thread(count)

    yield bank, raw_count
    await bank.close()
    await asyncio.to_thread(client.delete_table, TableName=table)
