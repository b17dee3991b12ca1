"""A scope too large to be read whole: found through the vector index, and listed as its items lie.

What is weaker here than in a scan: words count only among what is near and what was written last; the index is
approximate, and hears of a write a moment later, which is made up for by what the version tells of: the last two dozen
memories or so; and a list is in the order of ids, newest first where ids are sortable by time.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sessionful.domain.memory import Found, Memory, MemoryPage, Scope
from sessionful.ports import Clock
from sessionful.stores import memories
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key
from sessionful.stores.dynamodb.bank import places, vectors
from sessionful.stores.dynamodb.bank.codec import read_memory
from sessionful.stores.dynamodb.bank.scan import Row, Scan
from sessionful.stores.dynamodb.bank.vector_index import VectorIndex, nearest
from sessionful.stores.dynamodb.bank.version import count_of, touched
from sessionful.stores.dynamodb.table import SORT

_FEW = 40


class LargeScopes:
    def __init__(self, table: Table, name: str, index: VectorIndex, clock: Clock) -> None:
        self._table = table
        self._name = name
        self._index = index
        self._clock = clock

    def has(self, version: Item | None) -> bool:
        """Whether the scope of this version is one."""
        return version is not None and count_of(version) > self._index.scan_upto

    async def search(
        self, scope: Scope, version: Item, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        partition = places.partition(scope)
        sorts = touched(version)
        if len(vector) == self._index.dimensions and any(vector):
            most = max(_FEW, 4 * limit)
            sorts += await nearest(self._table.calls, self._name, self._index, partition, model, vector, most)
        items = await self._table.find([key(partition, sort) for sort in dict.fromkeys(sorts)])
        scan = Scan(None, {item[SORT]["S"]: Row.of(item) for item in items}).at(self._clock())
        best = await asyncio.to_thread(scan.search, vectors.direction(vector), model, words, limit)
        return [Found(read_memory(scope, row.item).memory, hit.score) for row, hit in best]

    async def page(self, scope: Scope, limit: int, cursor: str | None, ended: bool) -> MemoryPage:
        behind = None if cursor is None else places.memory(memories.read_place(cursor)[1])
        found: list[Memory] = []
        async with aclosing(self._newest_first(scope, behind, limit)) as rest:
            async for memory in rest:
                if ended or memory.ended_at is None:
                    found.append(memory)
                if len(found) > limit:
                    return MemoryPage(found[:limit], memories.write_place(found[limit - 1]))
        return MemoryPage(found, None)

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        found: list[Memory] = []
        async with aclosing(self._newest_first(scope, None, None)) as there:
            async for memory in there:
                if memory.ended_at is None and memory.model != model:
                    found.append(memory)
                if len(found) == limit:
                    break
        return found

    async def _newest_first(
        self, scope: Scope, behind: str | None, at_once: int | None
    ) -> AsyncGenerator[Memory, None]:
        """`at_once` is about how many are wanted."""
        first, last = places.MEMORIES
        limit = None if at_once is None else at_once + 2
        pages = self._table.pages(places.partition(scope), first, behind or last, newest_first=True, limit=limit)
        async with aclosing(pages):
            async for page in pages:
                for item in page.items:
                    memory = read_memory(scope, item).memory
                    if item[SORT]["S"] != behind and not memories.expired(memory, self._clock()):
                        yield memory
