"""The bank on DynamoDB for the suite: each test has a table of memories of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import uuid4

from sessionful.ports import Clock
from sessionful.stores.dynamodb.bank import DynamoDBBank, VectorIndex
from sessionful.stores.dynamodb.bank.table import create_memory_table
from tests.stores.dynamodb_servers import client_of

VECTORS = "SESSIONFUL_TEST_VECTOR_ENDPOINT"
"""Where a DynamoDB listens that has vector indexes."""


def with_vectors() -> bool:
    return VECTORS in os.environ


@cache
def vectors_client() -> Any:
    return client_of(os.environ[VECTORS])


@asynccontextmanager
async def dynamodb_bank(
    client: Any, clock: Clock, index: VectorIndex | None = None
) -> AsyncIterator[tuple[DynamoDBBank, Callable[[], Awaitable[int]]]]:
    """A bank, and the number of items in its table."""
    table = f"memories-{uuid4().hex}"
    await asyncio.to_thread(create_memory_table, client, table, index)
    bank = DynamoDBBank(client=client, table=table, clock=clock, index=index)

    def count() -> int:
        pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT", ConsistentRead=True)
        return sum(page["Count"] for page in pages)

    async def raw_count() -> int:
        return await asyncio.to_thread(count)

    yield bank, raw_count
    await bank.close()
    await asyncio.to_thread(client.delete_table, TableName=table)
