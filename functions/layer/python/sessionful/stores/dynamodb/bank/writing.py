"""Writes to a scope: read the version and what is concerned, then write everything in one transaction that holds only
while the version is that one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sessionful.domain.memory import Memory, Scope
from sessionful.ports import Clock
from sessionful.stores import memories
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key
from sessionful.stores.dynamodb.bank import places, vectors, version
from sessionful.stores.dynamodb.bank.codec import check
from sessionful.stores.dynamodb.bank.draft import Draft
from sessionful.stores.dynamodb.bank.scans import Scans
from sessionful.stores.dynamodb.bank.vector_index import VectorIndex
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.table import SORT

T = TypeVar("T")

AT_ONCE = 40
"""Memories in one write: each is two items of the hundred that a transaction takes, and at most 70 KB of its 4 MB."""

_TRIES = 60


class Writing:
    def __init__(self, table: Table, scans: Scans, clock: Clock, index: VectorIndex | None) -> None:
        self._table = table
        self._scans = scans
        self._clock = clock
        self._index = index

    async def store(self, given: Sequence[Memory]) -> list[Memory]:
        for memory in given:
            check(memory)  # refused before the first of them is kept
        kept: dict[int, Memory] = {}
        for scope in dict.fromkeys(memory.scope for memory in given):
            numbers = [number for number, memory in enumerate(given) if memory.scope == scope]
            for some in portions(numbers):
                stored = await self._keep(scope, [given[number] for number in some])
                kept |= zip(some, stored, strict=True)
        return [kept[number] for number in range(len(given))]

    async def supersede(self, scope: Scope, memory_id: str, by: Memory) -> Memory:
        memories.check_new(scope, by, memory_id)
        check(by)
        concerned = [places.memory(memory_id), places.memory(by.id), places.saying(by.digest)]
        return await self.change(scope, concerned, lambda draft: draft.supersede(memory_id, by))

    async def revector(self, scope: Scope, given: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
        for _, _, vector in given:
            vectors.pack(vector)  # refused before the first of them is kept
        for some in portions(given):

            def revector(draft: Draft, some: Sequence[tuple[str, str, tuple[float, ...]]] = some) -> None:
                for one in some:
                    draft.revector(*one)

            await self.change(scope, [places.memory(memory_id) for memory_id, _, _ in some], revector)

    async def delete(self, scope: Scope, memory_id: str) -> None:
        await self.change(scope, [places.memory(memory_id)], lambda draft: draft.drop(draft.get(memory_id).memory))

    async def change(self, scope: Scope, concerned: Sequence[str], work: Callable[[Draft], T]) -> T:
        """`concerned` are the sort keys of the memories and sayings to read; `work` may be done several times."""
        partition = places.partition(scope)
        seen = self._scans.version(partition)
        for tries in range(_TRIES):
            if seen is None:
                seen = await self._table.get(partition, places.VERSION) or {}
            items = await self._read(partition, concerned) if seen else []
            draft = Draft(scope, items, self._clock(), self._index)
            result, outcome = work(draft), draft.outcome()
            if not outcome.actions:
                return result
            after = version.next_version(partition, seen, outcome.touched, outcome.more, outcome.until)
            refused = await self._table.write(*outcome.actions, version.replace(seen, after))
            # Our own first try, the answer to which was lost, is no other's write.
            if refused is None or version.is_done(refused[-1] or {}, after):
                self._scans.follow(partition, seen, after, outcome)
                return result
            seen = refused[-1] or None
            await pause(tries // 4)
        raise crowded()

    async def _keep(self, scope: Scope, given: Sequence[Memory]) -> list[Memory]:
        concerned = [sort for memory in given for sort in (places.memory(memory.id), places.saying(memory.digest))]
        return await self.change(scope, concerned, lambda draft: [draft.keep(memory) for memory in given])

    async def _read(self, partition: str, sorts: Sequence[str]) -> list[Item]:
        """The items, and the memories that the sayings among them name."""
        items = await self._table.find([key(partition, sort) for sort in dict.fromkeys(sorts)])
        named = {item["i"]["S"] for item in items if item[SORT]["S"].startswith(places.SAYING)}
        missing = named - {*sorts}
        if missing:
            items += await self._table.find([key(partition, sort) for sort in missing])
        return items


def portions(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as one write takes."""
    for start in range(0, len(things), AT_ONCE):
        yield things[start : start + AT_ONCE]
