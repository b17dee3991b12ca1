"""What a write makes of the memories that it read: the rules, without a request."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sessionful.domain.memory import Memory, Scope
from sessionful.stores import memories
from sessionful.stores.dynamodb.actions import Action, Item, delete, key, put
from sessionful.stores.dynamodb.bank import places, vectors
from sessionful.stores.dynamodb.bank.codec import Kept, read_memory, write_memory, write_saying
from sessionful.stores.dynamodb.bank.vector_index import VectorIndex
from sessionful.stores.dynamodb.table import SORT


class Outcome(NamedTuple):
    """`touched` are the memories' sort keys, `more` is how many there are more than before, and `until` is when the
    last of what is written expires (ms; None: never; 0: nothing is written)."""

    actions: list[Action]
    written: list[Item]
    touched: list[str]
    more: int
    until: int | None


class Draft:
    """Of the items of a scope, those that have expired are not there."""

    def __init__(self, scope: Scope, items: Iterable[Item], now: int, index: VectorIndex | None = None) -> None:
        self._partition = places.partition(scope)
        self._index = index
        self._now = now
        read = [read_memory(scope, item) for item in items if item[SORT]["S"].startswith(places.MEMORY)]
        self._kept = {one.memory.id: one for one in read if not memories.expired(one.memory, now)}
        lives = [one.memory for one in self._kept.values() if one.memory.ended_at is None]
        self._live = {memory.digest: memory.id for memory in lives}
        self._before = len(self._kept)
        self._memories: dict[str, Kept | None] = {}
        self._sayings: dict[str, Memory | None] = {}

    def keep(self, memory: Memory) -> Memory:
        memory = _as_kept(memory)
        twin = self._twin(memory)
        if twin is not None:
            return self._merge(twin, memory)
        if memory.id in self._kept:
            return self._kept[memory.id].memory
        if memories.expired(memory, self._now):
            return memory
        return self._enter(Kept(memory, by_hand=not memory.sources))

    def supersede(self, memory_id: str, by: Memory) -> Memory:
        """Raises MemoryNotFound and InvalidRequest."""
        contradicted = self.get(memory_id)
        if contradicted.memory.ended_at is not None:
            raise memories.not_found(memory_id)
        twin, by = self._twin(by), memories.contradicting(_as_kept(by), memory_id)
        if twin is not None and twin.memory.id != memory_id:
            kept = self._merge(twin, by)
        elif by.id in self._kept:
            raise memories.id_taken(by.id)
        else:
            kept = self._enter(Kept(by, by_hand=not by.sources))
        self._enter(contradicted._replace(memory=memories.ended(contradicted.memory, kept, by.created_at)))
        return kept

    def get(self, memory_id: str) -> Kept:
        """Raises MemoryNotFound."""
        if memory_id not in self._kept:
            raise memories.not_found(memory_id)
        return self._kept[memory_id]

    def drop(self, memory: Memory) -> None:
        del self._kept[memory.id]
        self._memories[memory.id] = None
        self._silence(memory)

    def revector(self, memory_id: str, model: str, vector: Sequence[float]) -> None:
        kept = self._kept.get(memory_id)
        if kept is not None:
            self._enter(kept._replace(memory=kept.memory.model_copy(update={"model": model, "vector": tuple(vector)})))

    def forget(self, log: str) -> None:
        for kept in list(self._kept.values()):
            memory = kept.memory
            left = tuple(source for source in memory.sources if source.log != log)
            if not left and memory.sources and not kept.by_hand:
                self.drop(memory)
            elif left != memory.sources:
                self._enter(kept._replace(memory=memory.model_copy(update={"sources": left})))

    def outcome(self) -> Outcome:
        kept = [one for one in self._memories.values() if one is not None]
        written = [self._write(one) for one in kept]
        sayings = [write_saying(self._partition, memory) for memory in self._sayings.values() if memory is not None]
        gone = [
            *(places.memory(memory_id) for memory_id, one in self._memories.items() if one is None),
            *(places.saying(digest) for digest, memory in self._sayings.items() if memory is None),
        ]
        actions = [*map(put, written), *map(put, sayings), *(delete(key(self._partition, sort)) for sort in gone)]
        ends = [one.memory.expires_at for one in kept]
        until = None if None in ends else max((end for end in ends if end is not None), default=0)
        touched = [places.memory(memory_id) for memory_id in self._memories]
        return Outcome(actions, written, touched, len(self._kept) - self._before, until)

    def _write(self, kept: Kept) -> Item:
        item = write_memory(self._partition, kept)
        return item if self._index is None else item | self._index.attributes(self._partition, kept.memory)

    def _twin(self, memory: Memory) -> Kept | None:
        """The living memory of its digest."""
        lives = self._live.get(memory.digest)
        return None if lives is None else self._kept[lives]

    def _merge(self, twin: Kept, memory: Memory) -> Memory:
        merged = Kept(memories.merged(twin.memory, memory), twin.by_hand or not memory.sources)
        return twin.memory if merged == twin else self._enter(merged)

    def _enter(self, kept: Kept) -> Memory:
        memory = kept.memory
        former = self._kept.get(memory.id)
        self._kept[memory.id] = self._memories[memory.id] = kept
        if memory.ended_at is not None:
            self._silence(memory)
        elif self._live.get(memory.digest) != memory.id or _end(former) != memory.expires_at:
            self._live[memory.digest] = memory.id
            self._sayings[memory.digest] = memory
        return memory

    def _silence(self, memory: Memory) -> None:
        if self._live.get(memory.digest) == memory.id:
            del self._live[memory.digest]
            self._sayings[memory.digest] = None


def _as_kept(memory: Memory) -> Memory:
    """With each source once, and the vector as exactly as the table has it."""
    vector = vectors.unpack(vectors.pack(memory.vector))
    return memories.each_source_once(memory).model_copy(update={"vector": vector})


def _end(kept: Kept | None) -> int | None:
    return None if kept is None else kept.memory.expires_at
