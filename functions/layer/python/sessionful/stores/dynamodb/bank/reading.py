"""What a bank finds: by id in the table, everything else in the scan that this process keeps of the scope, where the
scope is not too large for that."""

import heapq
from collections.abc import Sequence
from functools import partial

from sessionful.domain.memory import Found, Memory, MemoryPage, Scope
from sessionful.ports import Clock
from sessionful.stores import memories
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.bank import places, vectors
from sessionful.stores.dynamodb.bank.codec import read_memory
from sessionful.stores.dynamodb.bank.large import LargeScopes
from sessionful.stores.dynamodb.bank.scan import Row
from sessionful.stores.dynamodb.bank.scans import Scans

_QUICK_ROWS = 100


class Reading:
    def __init__(self, table: Table, scans: Scans, clock: Clock, large: LargeScopes | None) -> None:
        self._table = table
        self._scans = scans
        self._clock = clock
        self._large = large

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        item = await self._table.get(places.partition(scope), places.memory(memory_id))
        memory = None if item is None else read_memory(scope, item).memory
        if memory is None or memories.expired(memory, self._clock()):
            raise memories.not_found(memory_id)
        return memory

    async def page(self, scope: Scope, limit: int, cursor: str | None, ended: bool) -> MemoryPage:
        behind = None if cursor is None else memories.read_place(cursor)
        version = await self._scans.newest(places.partition(scope))
        if self._large is not None and self._large.has(version):
            return await self._large.page(scope, limit, cursor, ended)
        scan = await self._scans.of(places.partition(scope), version)
        there = (row for row in scan.rows.values() if ended or not row.ended)
        rest = (row for row in there if behind is None or _newness(row) < behind)
        rows = heapq.nlargest(limit + 1, rest, key=_newness)
        page = [read_memory(scope, row.item).memory for row in rows[:limit]]
        return MemoryPage(page, memories.write_place(page[-1]) if len(rows) > limit else None)

    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        version = await self._scans.newest(places.partition(scope))
        if self._large is not None and version is not None and self._large.has(version):
            return await self._large.search(scope, version, vector, model, words, limit)
        scan = await self._scans.of(places.partition(scope), version)
        searching = partial(scan.search, vectors.direction(vector), model, words, limit)
        best = searching() if len(scan.rows) < _QUICK_ROWS else await self._table.calls.run(searching)
        return [Found(read_memory(scope, row.item).memory, hit.score) for row, hit in best]

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        version = await self._scans.newest(places.partition(scope))
        if self._large is not None and self._large.has(version):
            return await self._large.unlike(scope, model, limit)
        scan = await self._scans.of(places.partition(scope), version)
        unlike = [row for row in scan.rows.values() if not row.ended and row.model != model]
        return [read_memory(scope, row.item).memory for row in unlike[:limit]]


def _newness(row: Row) -> tuple[int, str]:
    return row.created_at, row.id
