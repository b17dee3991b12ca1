"""Memory: where it is kept, and what makes two texts comparable."""

from collections.abc import Sequence
from typing import Protocol

from sessionful.domain.memory import Found, Memory, MemoryPage, Scope, Summary
from sessionful.domain.session import Position


class MemoryBank(Protocol):
    """Keeps memories by scope, and summaries by log. Every method takes the scope and looks nowhere else: nothing reads
    by a memory's id alone. A memory is found by the very next read after it was stored. An expired one (`expires_at`)
    is found by nobody, whenever the store erases it. Raises StoreUnavailable and RateLimited; nothing is half-written.
    """

    async def store(self, memories: Sequence[Memory]) -> list[Memory]:
        """Keep them; each in its own scope. One whose scope has a live memory of its digest is merged into that one,
        which gains its sources; what is returned is what is kept then, in the order given. Storing the same twice is
        storing it once, also after a lost answer and in a race."""
        ...

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        """Raises MemoryNotFound."""
        ...

    async def page(self, scope: Scope, limit: int, cursor: str | None = None, ended: bool = False) -> MemoryPage:
        """Newest first; with `ended` those that no longer hold, too. A cursor that this bank did not write raises
        InvalidRequest."""
        ...

    async def search(
        self, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
    ) -> list[Found]:
        """The live memories of the scope that are nearest by meaning (the cosine with `vector`, of those that `model`
        embedded) together with those that share `words`, best first; `score` is the cosine, clipped at 0, or 0 for one
        without a vector of that model. At most `limit` by each of the two."""
        ...

    async def supersede(self, scope: Scope, memory_id: str, by: Memory) -> Memory:
        """Store `by` and end the one it contradicts at `by.created_at`, in one write; the two name each other. Returns
        `by` as it is kept. Raises MemoryNotFound for one that is gone or has ended."""
        ...

    async def revector(self, scope: Scope, vectors: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
        """Put (id, model, vector) in place of what was there; ids that are gone are passed over."""
        ...

    async def unlike(self, scope: Scope, model: str, limit: int) -> list[Memory]:
        """At most `limit` live memories of the scope that `model` did not embed."""
        ...

    async def delete(self, scope: Scope, memory_id: str) -> None:
        """Erase it. One that it had superseded stays ended. Raises MemoryNotFound."""
        ...

    async def forget(self, scope: Scope, log: str) -> None:
        """A source is gone: erase from the scope what came only from that log, and strike the log from the sources of
        the rest. Repeating it does nothing."""
        ...

    async def erase(self, scope: Scope) -> None:
        """Erase everything in this very scope. Repeating it does nothing."""
        ...

    async def keep_summary(self, owner: str, agent: str, summary: Summary) -> None:
        """One for each (log, upto): the first that was kept stays."""
        ...

    async def summary(self, owner: str, agent: str, log: str, upto: Position | None = None) -> Summary | None:
        """The latest of that log; with `upto`, the latest of those that reach no further."""
        ...

    async def forget_summaries(self, owner: str, agent: str, log: str) -> None: ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Turns texts into vectors of length 1, of `dimensions` numbers. `name` tells models apart: vectors of two names
    are never compared."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def related(self) -> float:
        """The cosine from which on two of its vectors are of texts that have to do with each other. A score of 0.7, the
        default of `similarity_threshold`, stands for this one, whatever the model."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """One vector a text, in order. Raises ModelError, ModelUnavailable and RateLimited."""
        ...

    async def close(self) -> None: ...
