"""Memories for tests that care about one field and not about the others."""

from collections.abc import Sequence
from typing import Any

from sessionful.domain.identity import sortable_id
from sessionful.domain.memory import Found, Memory, MemoryPage, Scope, Source, Summary, digest_of
from sessionful.domain.session import Position
from sessionful.ports import MemoryBank
from tests.contracts.clock import NOON

MINE = Scope("guide", "ada")
HERE = Scope("guide", "ada", "trip")
SHARED = Scope("guide")
MODEL = "compass:4"
EAST, NORTH, UP = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0)
NORTH_EAST, WEST = (0.6, 0.8, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)
"""Vectors of length 1, as embedders make them. A bank may keep them less exactly than they came: see `alike`."""

EXACTNESS = 0.01


def a_memory(text: str = "Ada lives in Rome", scope: Scope = MINE, **fields: Any) -> Memory:
    given = {"id": sortable_id(), "digest": digest_of(text), "created_at": NOON, **fields}
    return Memory(scope=scope, text=text, **given)


def a_source(log: str = "log", turn: int = 1, step: int = 1, **fields: Any) -> Source:
    return Source(**{"owner": "ada", "session_id": "trip", "log": log, "at": Position(turn, step), **fields})


def a_summary(text: str = "they spoke of Rome", turn: int = 1, step: int = 1, **fields: Any) -> Summary:
    given = {"log": "log", "tokens": 5, "made_at": NOON, "model": "m", **fields}
    return Summary(text=text, upto=Position(turn, step), **given)


def alike(kept: Memory, given: Memory) -> bool:
    """The same in everything, but for how exactly a bank keeps a vector."""
    near = len(kept.vector) == len(given.vector) and all(
        abs(one - other) < EXACTNESS for one, other in zip(kept.vector, given.vector, strict=True)
    )
    return near and kept.model_copy(update={"vector": given.vector}) == given


async def everything(bank: MemoryBank, scope: Scope = MINE, limit: int = 100, ended: bool = True) -> list[Memory]:
    """What all pages show."""
    found: list[Memory] = []
    cursor = None
    for _ in range(1_000):
        page: MemoryPage = await bank.page(scope, limit, cursor, ended=ended)
        assert len(page.memories) <= limit
        found += page.memories
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


async def texts_in(bank: MemoryBank, scope: Scope = MINE, ended: bool = False) -> list[str]:
    return [memory.text for memory in await everything(bank, scope, ended=ended)]


def texts_of(found: Sequence[Found]) -> list[str]:
    return [one.memory.text for one in found]
