"""Memories in a DynamoDB table."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from sessionful.domain.clock import now_ms
from sessionful.domain.memory import Found, Memory, MemoryPage, Scope, Summary
from sessionful.domain.session import Position
from sessionful.ports import Clock
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.bank.erasing import Erasing
from sessionful.stores.dynamodb.bank.large import LargeScopes
from sessionful.stores.dynamodb.bank.reading import Reading
from sessionful.stores.dynamodb.bank.scans import Scans
from sessionful.stores.dynamodb.bank.summaries import Summaries
from sessionful.stores.dynamodb.bank.vector_index import VectorIndex
from sessionful.stores.dynamodb.bank.writing import Writing
from sessionful.stores.dynamodb.calls import Calls
from sessionful.stores.dynamodb.client import new_client


class DynamoDBBank:
    """A MemoryBank in one DynamoDB table (table.py makes it, places.py tells what lies where).

    A scope is read once and then searched in this process: a search costs one request of one read unit, and what others
    wrote since. A memory of a sentence is stored by one read and one transaction of six write units. What the first
    read of a scope costs goes with its size: some 1,600 memories a request, with vectors of 256 numbers.

    More than 40 memories of one scope, and those of several scopes, are stored by several writes, each whole.

    With `index` the table has that vector index, and a scope of more memories than can be read is searched through it
    (large.py says what is weaker then).

    `client` is a low-level boto3 client for DynamoDB; its own retries may be off: every request is tried again here.
    """

    def __init__(self, client: Any, table: str, clock: Clock = now_ms, index: VectorIndex | None = None) -> None:
        self._client = client
        self._owns_client = False
        self._calls = Calls(client)
        items = Table(self._calls, table)
        scans = Scans(items, clock)
        large = None if index is None else LargeScopes(items, table, index, clock)
        self._writing = Writing(items, scans, clock, index)
        self._reading = Reading(items, scans, clock, large)
        self._erasing = Erasing(items, scans, self._writing)
        self._summaries = Summaries(items)

    @classmethod
    def open(
        cls,
        table: str,
        region: str | None = None,
        endpoint_url: str | None = None,
        clock: Clock = now_ms,
        index: VectorIndex | None = None,
    ) -> Self:
        """With a client of its own; what is not given is what boto3 finds in the environment. Raises ConfigError."""
        bank = cls(new_client(region, endpoint_url), table, clock, index)
        bank._owns_client = True
        return bank

    async def store(self, memories: Sequence[Memory]) -> list[Memory]:
        return await self._writing.store(memories)

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        return await self._reading.get(scope, memory_id)

    async def page(self, scope: Scope, limit: int, cursor: str | None = None, ended: bool = False) -> MemoryPage:
        return await self._reading.page(scope, limit, cursor, ended)

    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        return await self._reading.search(scope, vector, model, words, limit)

    async def supersede(self, scope: Scope, memory_id: str, by: Memory) -> Memory:
        return await self._writing.supersede(scope, memory_id, by)

    async def revector(self, scope: Scope, vectors: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
        await self._writing.revector(scope, vectors)

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        return await self._reading.unlike(scope, model, limit)

    async def delete(self, scope: Scope, memory_id: str) -> None:
        await self._writing.delete(scope, memory_id)

    async def forget(self, scope: Scope, log: str) -> None:
        await self._erasing.forget(scope, log)

    async def erase(self, scope: Scope) -> None:
        await self._erasing.erase(scope)

    async def keep_summary(self, owner: str, agent: str, summary: Summary) -> None:
        await self._summaries.keep(owner, agent, summary)

    async def summary(self, owner: str, agent: str, log: str, upto: Position | None = None) -> Summary | None:
        return await self._summaries.latest(owner, agent, log, upto)

    async def forget_summaries(self, owner: str, agent: str, log: str) -> None:
        await self._summaries.forget(owner, agent, log)

    async def close(self) -> None:
        await self._calls.close()
        if self._owns_client:
            await asyncio.to_thread(self._client.close)
