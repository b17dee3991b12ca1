"""Every bank the suite runs over: how one is opened, empty, and what is physically left in it.

A bank joins by an entry in BANKS. What the suite asks beyond the port's words:
a merged memory takes the vector of the other where it has none, and the later of the two expiries;
what was once put in by hand (stored without a source) is not erased with a log that says the same, and shows that log
as a source until the log is forgotten;
an `id` that is there already is not stored again: what is kept of it is returned (one batch names no id twice);
words are compared without case and diacritics, as whole words (`stores/nearness.py` has that);
what a search finds is ordered by score, and has an order among equals that does not change.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

from sessionful.ports import Clock, MemoryBank
from sessionful.stores.dynamodb.bank import VectorIndex
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.contracts.databases import mysql_url, postgres_url, sql_bank, sqlite_url, with_mysql, with_postgres
from tests.contracts.dynamodb import endpoint_client, moto_client, with_endpoint
from tests.contracts.dynamodb_bank import dynamodb_bank, vectors_client, with_vectors


class OpenedBank(NamedTuple):
    """`raw_count` counts rows or items, whatever they are: none of a scope's may be left when it is erased."""

    bank: MemoryBank
    raw_count: Callable[[], Awaitable[int]]


BankFactory = Callable[[Clock], AbstractAsyncContextManager[OpenedBank]]


@asynccontextmanager
async def in_memory(clock: Clock) -> AsyncIterator[OpenedBank]:
    bank = InMemoryBank(clock=clock)

    async def raw_count() -> int:
        return bank.raw_count()

    yield OpenedBank(bank, raw_count)
    await bank.close()


def sql(url: Callable[[], str]) -> BankFactory:
    @asynccontextmanager
    async def in_database(clock: Clock) -> AsyncIterator[OpenedBank]:
        async with sql_bank(url(), clock) as (bank, raw_count):
            yield OpenedBank(bank, raw_count)

    return in_database


def dynamodb(client: Callable[[], Any], index: VectorIndex | None = None) -> BankFactory:
    @asynccontextmanager
    async def in_table(clock: Clock) -> AsyncIterator[OpenedBank]:
        async with dynamodb_bank(await asyncio.to_thread(client), clock, index) as (bank, raw_count):
            yield OpenedBank(bank, raw_count)

    return in_table


BANKS: dict[str, BankFactory] = {
    "in_memory": in_memory,
    "sqlite": sql(sqlite_url),
    "dynamodb": dynamodb(moto_client),
}
if with_postgres():
    BANKS["postgres"] = sql(postgres_url)
if with_mysql():
    BANKS["mysql"] = sql(mysql_url)
if with_endpoint():
    BANKS["dynamodb_local"] = dynamodb(endpoint_client)
if with_vectors():
    BANKS["dynamodb_vectors"] = dynamodb(vectors_client, VectorIndex("nearest", 4))
