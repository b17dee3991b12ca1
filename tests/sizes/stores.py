"""The stores that sizes are tried on: each of a kind, and DynamoDB without and with a bucket."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

from sessionful.domain.clock import now_ms
from sessionful.ports import SessionLog
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.dynamodb.table import create_table
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.objects import S3Objects
from sessionful.stores.sql import SqlLog
from tests.contracts.databases import new_sqlite, postgres_url, with_postgres
from tests.contracts.dynamodb import moto_client
from tests.stores.object_places import FOLDER, a_bucket, s3_client

Open = Callable[[], SessionLog]
"""Another log of the same sessions, as another process might have it."""


@asynccontextmanager
async def in_memory() -> AsyncIterator[Open]:
    log = InMemoryLog()
    yield lambda: log


@asynccontextmanager
async def sqlite() -> AsyncIterator[Open]:
    url = new_sqlite()
    yield lambda: SqlLog.open(url)


@asynccontextmanager
async def postgres() -> AsyncIterator[Open]:
    yield lambda: SqlLog.open(postgres_url())


@asynccontextmanager
async def dynamodb() -> AsyncIterator[Open]:
    table = _new_table()
    yield lambda: DynamoDBLog(moto_client(), table, now_ms)


@asynccontextmanager
async def dynamodb_with_a_bucket() -> AsyncIterator[Open]:
    table = _new_table()
    async with a_bucket() as bucket:
        yield lambda: DynamoDBLog(moto_client(), table, now_ms, S3Objects(s3_client, bucket, FOLDER))


def _new_table() -> str:
    table = f"sizes-{uuid4().hex}"
    create_table(moto_client(), table)
    return table


STORES: dict[str, Callable[[], AbstractAsyncContextManager[Open]]] = {
    "in_memory": in_memory,
    "sqlite": sqlite,
    "dynamodb": dynamodb,
    "dynamodb_with_a_bucket": dynamodb_with_a_bucket,
    **({"postgres": postgres} if with_postgres() else {}),
}
