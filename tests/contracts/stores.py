"""Every implementation the suite runs over: how one is opened, empty, and what is physically left in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

from sessionful.ports import Clock, SessionLog
from sessionful.stores.in_memory import InMemoryLog
from tests.contracts.databases import mysql_url, postgres_url, sql_log, sqlite_url, with_mysql, with_postgres
from tests.contracts.dynamodb import dynamodb_log, endpoint_client, moto_client, with_endpoint


class Opened(NamedTuple):
    """`raw_count` counts rows, items or objects, whatever they are: none of a session's may be left when it is gone."""

    log: SessionLog
    raw_count: Callable[[], Awaitable[int]]


Factory = Callable[[Clock], AbstractAsyncContextManager[Opened]]


@asynccontextmanager
async def in_memory(clock: Clock) -> AsyncIterator[Opened]:
    log = InMemoryLog(clock=clock)

    async def raw_count() -> int:
        return log.raw_count()

    yield Opened(log, raw_count)
    await log.close()


def sql(url: Callable[[], str]) -> Factory:
    @asynccontextmanager
    async def in_database(clock: Clock) -> AsyncIterator[Opened]:
        async with sql_log(url(), clock) as (log, raw_count):
            yield Opened(log, raw_count)

    return in_database


def dynamodb(client: Callable[[], Any]) -> Factory:
    @asynccontextmanager
    async def in_table(clock: Clock) -> AsyncIterator[Opened]:
        async with dynamodb_log(await asyncio.to_thread(client), clock) as (log, raw_count):
            yield Opened(log, raw_count)

    return in_table


FACTORIES: dict[str, Factory] = {
    "in_memory": in_memory,
    "sqlite": sql(sqlite_url),
    "dynamodb": dynamodb(moto_client),
}
if with_postgres():
    FACTORIES["postgres"] = sql(postgres_url)
if with_mysql():
    FACTORIES["mysql"] = sql(mysql_url)
if with_endpoint():
    FACTORIES["dynamodb_local"] = dynamodb(endpoint_client)
