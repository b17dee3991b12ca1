"""Memories in this process's memory: nothing outlives it. The quickest bank, and the yardstick for the others."""

import asyncio
import heapq
import threading
from collections import defaultdict
from collections.abc import Sequence

from sessionful.domain.clock import now_ms
from sessionful.domain.memory import Found, Memory, MemoryPage, Scope, Summary
from sessionful.domain.session import Position
from sessionful.ports import Clock
from sessionful.stores.memories import check_new, read_place, write_place
from sessionful.stores.memory_shelf import MemoryShelf
from sessionful.stores.nearness import BATCH, Hit, Nearest, Row, packed

_EMPTY = MemoryShelf()


class InMemoryBank:
    """A MemoryBank for one process. Safe for tasks, threads and several event loops: what a method reads and writes, it
    does in one critical section without an await."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: dict[Scope, MemoryShelf] = defaultdict(MemoryShelf)
        self._summaries: dict[tuple[str, str, str], dict[Position, Summary]] = defaultdict(dict)

    async def store(self, memories: Sequence[Memory]) -> list[Memory]:
        for memory in memories:
            packed(memory.vector)  # refused before the first of them is kept
        with self._lock:
            now = self._clock()
            return [self._shelves[memory.scope].keep(memory, now) for memory in memories]

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        with self._lock:
            return self._shelf(scope).get(memory_id, self._clock())

    async def page(self, scope: Scope, limit: int, cursor: str | None = None, ended: bool = False) -> MemoryPage:
        behind = None if cursor is None else read_place(cursor)
        with self._lock:
            there = self._shelf(scope).there(self._clock(), ended)
        rest = (one for one in there if behind is None or _newness(one) < behind)
        page = heapq.nlargest(limit + 1, rest, key=_newness)
        more = len(page) > limit
        return MemoryPage(page[:limit], write_place(page[limit - 1]) if more else None)

    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        nearest = Nearest(vector, words, limit)
        with self._lock:
            shelf = self._shelf(scope)
            there = {memory.id: memory for memory in shelf.there(self._clock(), ended=False)}
            rows = [shelf.row(memory, model) for memory in there.values()]
        hits = _best(nearest, rows) if len(rows) < BATCH else await asyncio.to_thread(_best, nearest, rows)
        return [Found(there[hit.key], hit.score) for hit in hits]

    async def supersede(self, scope: Scope, memory_id: str, by: Memory) -> Memory:
        check_new(scope, by, memory_id)
        with self._lock:
            return self._shelf(scope).supersede(memory_id, by, self._clock())

    async def revector(self, scope: Scope, vectors: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
        with self._lock:
            for memory_id, model, vector in vectors:
                self._shelf(scope).revector(memory_id, model, vector)

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        with self._lock:
            there = self._shelf(scope).there(self._clock(), ended=False)
        return [memory for memory in there if memory.model != model][:limit]

    async def delete(self, scope: Scope, memory_id: str) -> None:
        with self._lock:
            shelf = self._shelf(scope)
            shelf.drop(shelf.get(memory_id, self._clock()))

    async def forget(self, scope: Scope, log: str) -> None:
        with self._lock:
            self._shelf(scope).forget(log)

    async def erase(self, scope: Scope) -> None:
        with self._lock:
            self._shelves.pop(scope, None)

    async def keep_summary(self, owner: str, agent: str, summary: Summary) -> None:
        with self._lock:
            self._summaries[owner, agent, summary.log].setdefault(summary.upto, summary)

    async def summary(self, owner: str, agent: str, log: str, upto: Position | None = None) -> Summary | None:
        with self._lock:
            kept = self._summaries.get((owner, agent, log), {})
            last = max((place for place in kept if upto is None or place <= upto), default=None)
            return None if last is None else kept[last]

    async def forget_summaries(self, owner: str, agent: str, log: str) -> None:
        with self._lock:
            self._summaries.pop((owner, agent, log), None)

    async def close(self) -> None:
        """Nothing to close; what is kept goes with the object."""

    def raw_count(self) -> int:
        """Everything that is physically kept."""
        with self._lock:
            shelved = sum(shelf.count() for shelf in self._shelves.values())
            return shelved + sum(map(len, self._summaries.values()))

    def _shelf(self, scope: Scope) -> MemoryShelf:
        """For reading, and for changing what is there: a scope that nothing was stored in has none of its own."""
        return self._shelves.get(scope, _EMPTY)


def _newness(memory: Memory) -> tuple[int, str]:
    return memory.created_at, memory.id


def _best(nearest: Nearest, rows: Sequence[Row]) -> list[Hit]:
    for start in range(0, len(rows), BATCH):
        nearest.look_at(rows[start : start + BATCH])
    return nearest.best()
