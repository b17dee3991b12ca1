"""The marks by which the index finds sessions, newest activity first.

Moving a session's key in an index costs two writes, so the head's own never moves. It is listed from its making; and
once its activity is `MARK_MS` ahead of its newest mark, the next item that is written anyway carries another.
So `mark <= updated_at < mark + MARK_MS` holds, but for a session whose turn has begun and not yet stored anything.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sessionful.domain.session import Session
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Attribute, Item, number, string
from sessionful.stores.dynamodb.codec import Head
from sessionful.stores.dynamodb.table import INDEX, INDEX_PARTITION, INDEX_SORT, PARTITION

MARK_MS = 15 * 60 * 1000

_AT_ONCE = 150


def marked(before: Head, session: Session) -> tuple[Head, Item]:
    """The head with its next `session`, and what the item written along with it carries."""
    if session.updated_at - before.mark < MARK_MS:
        return replace(before, session=session), {}
    mark = {
        INDEX_PARTITION: string(keys.listing(session.key.owner, session.key.agent)),
        INDEX_SORT: number(session.updated_at),
    }
    return replace(before, session=session, mark=session.updated_at), mark


class _Mark(NamedTuple):
    at: int
    partition: str


class _Listed:
    """The marks of one owner's sessions with one agent, newest first, page by page."""

    def __init__(self, table: Table, owner: str, agent: str, upto: int | None) -> None:
        self._table = table
        self._condition = f"#{INDEX_PARTITION} = :listing"
        self._values: dict[str, Attribute] = {"listing": string(keys.listing(owner, agent))}
        if upto is not None:
            self._condition += f" AND #{INDEX_SORT} <= :upto"
            self._values["upto"] = number(upto)
        self._params: dict[str, Any] = {"IndexName": INDEX, "ScanIndexForward": False, "Limit": _AT_ONCE}
        self._ended = False
        self.waiting: deque[_Mark] = deque()

    async def fill(self) -> None:
        """Afterwards something waits, unless there is nothing left."""
        while not self.waiting and not self._ended:
            page = await self._table.query(self._condition, self._values, **self._params)
            self.waiting.extend(_Mark(int(item[INDEX_SORT]["N"]), item[PARTITION]["S"]) for item in page.items)
            self._params["ExclusiveStartKey"] = page.last
            self._ended = page.last is None


class Marks:
    """The marks of one owner's sessions with some agents, newest first; only those up to `upto` (ms), if given."""

    def __init__(self, table: Table, owner: str, agents: Sequence[str], upto: int | None) -> None:
        self._listed = [_Listed(table, owner, agent, upto) for agent in dict.fromkeys(agents)]
        self._seen: set[str] = set()

    async def next(self) -> int | None:
        """The newest mark not taken yet; None when all are."""
        await asyncio.gather(*(listed.fill() for listed in self._listed))
        return max((listed.waiting[0].at for listed in self._listed if listed.waiting), default=None)

    async def take(self, most: int) -> list[str]:
        """The partitions of the next sessions, each at its newest mark only."""
        taken: list[str] = []
        while len(taken) < most and await self.next() is not None:
            newest = max((listed for listed in self._listed if listed.waiting), key=lambda listed: listed.waiting[0])
            partition = newest.waiting.popleft().partition
            if partition not in self._seen:
                self._seen.add(partition)
                taken.append(partition)
        return taken
