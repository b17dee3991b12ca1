"""The memories of one scope, in this process's memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sessionful.domain.memory import Memory
from sessionful.stores import memories
from sessionful.stores.nearness import Row, packed, plain_words


@dataclass
class Kept:
    """`by_hand`: somebody put it in without a source, so it does not go with its sources."""

    memory: Memory
    by_hand: bool
    words: str
    vector: bytes


@dataclass
class MemoryShelf:
    """Everything by id, the id of what lives by its digest, and when the first of them expires. Whoever uses it holds
    a lock."""

    _kept: dict[str, Kept] = field(default_factory=dict)
    _live: dict[str, str] = field(default_factory=dict)
    _first_expiry: int | None = None

    def keep(self, memory: Memory, now: int) -> Memory:
        """What is kept then: the living one of its digest, or what has its id already, or itself."""
        self._sweep(now)
        twin = self._twin(memory)
        if twin is not None:
            return self._merge(twin, memory)
        there = self._kept.get(memory.id)
        return self._put(memory) if there is None else there.memory

    def supersede(self, memory_id: str, by: Memory, now: int) -> Memory:
        """Raises MemoryNotFound and InvalidRequest."""
        contradicted = self.get(memory_id, now)
        if contradicted.ended_at is not None:
            raise memories.not_found(memory_id)
        self._sweep(now)
        twin = self._twin(by)
        if twin is None or twin.memory.id == memory_id:
            if by.id in self._kept:
                raise memories.id_taken(by.id)
            kept = self._put(memories.contradicting(by, memory_id))
        else:
            kept = self._merge(twin, memories.contradicting(by, memory_id))
        self._change(memories.ended(contradicted, kept, by.created_at))
        return kept

    def get(self, memory_id: str, now: int) -> Memory:
        """Raises MemoryNotFound."""
        kept = self._kept.get(memory_id)
        if kept is None or memories.expired(kept.memory, now):
            raise memories.not_found(memory_id)
        return kept.memory

    def there(self, now: int, ended: bool) -> list[Memory]:
        found = (kept.memory for kept in self._kept.values())
        return [one for one in found if not memories.expired(one, now) and (ended or one.ended_at is None)]

    def row(self, memory: Memory, model: str) -> Row:
        kept = self._kept[memory.id]
        return Row(memory.id, memory.created_at, kept.vector if memory.model == model else None, kept.words)

    def revector(self, memory_id: str, model: str, vector: Sequence[float]) -> None:
        kept = self._kept.get(memory_id)
        if kept is not None:
            self._change(kept.memory.model_copy(update={"model": model, "vector": tuple(vector)}))

    def forget(self, log: str) -> None:
        for kept in list(self._kept.values()):
            left = tuple(source for source in kept.memory.sources if source.log != log)
            if not left and kept.memory.sources and not kept.by_hand:
                self.drop(kept.memory)
            elif left != kept.memory.sources:
                self._change(kept.memory.model_copy(update={"sources": left}))

    def drop(self, memory: Memory) -> None:
        del self._kept[memory.id]
        if self._live.get(memory.digest) == memory.id:
            del self._live[memory.digest]

    def count(self) -> int:
        return len(self._kept)

    def _twin(self, memory: Memory) -> Kept | None:
        lives = self._live.get(memory.digest)
        return None if lives is None else self._kept[lives]

    def _merge(self, twin: Kept, memory: Memory) -> Memory:
        kept = self._change(memories.merged(twin.memory, memory))
        twin.by_hand = twin.by_hand or not memory.sources
        return kept

    def _put(self, memory: Memory) -> Memory:
        memory = memories.each_source_once(memory)
        self._kept[memory.id] = Kept(memory, not memory.sources, plain_words(memory.text), packed(memory.vector))
        return self._enter(memory)

    def _change(self, memory: Memory) -> Memory:
        kept = self._kept[memory.id]
        if memory.vector != kept.memory.vector:
            kept.vector = packed(memory.vector)
        kept.memory = memory
        return self._enter(memory)

    def _enter(self, memory: Memory) -> Memory:
        if memory.ended_at is None:
            self._live[memory.digest] = memory.id
        elif self._live.get(memory.digest) == memory.id:
            del self._live[memory.digest]
        if memory.expires_at is not None and (self._first_expiry is None or memory.expires_at < self._first_expiry):
            self._first_expiry = memory.expires_at
        return memory

    def _sweep(self, now: int) -> None:
        """Erases what has expired. It costs nothing while nothing has."""
        if self._first_expiry is None or self._first_expiry > now:
            return
        for kept in list(self._kept.values()):
            if memories.expired(kept.memory, now):
                self.drop(kept.memory)
        left = (kept.memory.expires_at for kept in self._kept.values())
        self._first_expiry = min((at for at in left if at is not None), default=None)
