"""The groups of an open step: the newest in the head, the older ones in *chunks* beside it.

Every flush writes the head anew, and a write is billed by the whole item. So the head takes groups while there is room
in the kilobyte it is billed by anyway. When there is none, they go into a chunk, which nobody sees until the head
points at it, and the head starts again without them.

A chunk is known by its last group, and no group's number is given twice: what it says never changes. It says which
chunk came before it in the step, for one that lies between them may be left over from a flush that never came to its
end. The table erases the chunks of stored steps, in its own time.
"""

import math
import zlib
from collections.abc import Sequence
from contextlib import aclosing
from typing import NamedTuple

from sessionful.domain.turn import Group, Lease
from sessionful.ports import Clock
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key, number, size
from sessionful.stores.dynamodb.codec import Head, new_item
from sessionful.stores.dynamodb.flushed import NOTHING, Flushed, write_tail
from sessionful.stores.dynamodb.recent import Recent
from sessionful.stores.dynamodb.table import EXPIRY, SORT

CHUNK_SECONDS = 7 * 86_400
"""How long a chunk is kept: as long as a dead turn may have to wait for somebody to take it over."""

_UNIT = 1024
_LEAST_ROOM = 100  # bytes: about a group
_NEVER_SEEN_IN_A_HEAD = 48  # bytes: what `new_item` leaves out, as who took the turn last and whose groups it has
_PIECE_BYTES = 300 * 1024
_SLOW_BYTES = 100_000
_KEPT_STEPS = 64
_KEPT_CHARACTERS = 1_000_000


class _Chunk(NamedTuple):
    last: int
    before: int
    groups: tuple[str, ...]


class Groups:
    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._seen: Recent[tuple[str, int, int], tuple[_Chunk, ...]] = Recent(_KEPT_STEPS)

    async def added(self, head: Head, lease: Lease, group: Group) -> Flushed:
        """What the head says with one group more. Stores a chunk where it takes one."""
        before = head.flushed if head.flushed.epoch == lease.epoch else NOTHING
        tail = (*before.tail, group.text)
        written = write_tail(tail)
        if written is not None and size({"ft": written}) <= _room(head):
            return Flushed(lease.epoch, group.number, before.chunks, tail)
        first, newest = before.chunks or (group.number, 0)
        text = "\n".join(tail)
        small = await self._table.calls.run(lambda: _compressed(text)) if len(text) > _SLOW_BYTES else _compressed(text)
        expiry = self._clock() // 1000 + CHUNK_SECONDS
        cuts = [small[start : start + _PIECE_BYTES] for start in range(0, len(small), _PIECE_BYTES)]
        about = {"b": number(newest), "p": number(len(cuts)), EXPIRY: number(expiry)}
        ats = _chunk_keys(head, lease, group.number, len(cuts))
        await self._table.put_all([{**at, **about, "d": {"B": cut}} for at, cut in zip(ats, cuts, strict=True)])
        return Flushed(lease.epoch, group.number, (first, group.number))

    async def erase(self, head: Head, lease: Lease, group: int) -> None:
        """Erase the chunk that ends with this group; only for one that no head points at, or ever will."""
        first, last = keys.chunk_range(lease.log, lease.epoch, group - 1, group)
        async with aclosing(self._table.pages(head.partition, first, last)) as pages:
            async for page in pages:
                await self._table.erase_all([key(head.partition, item[SORT]["S"]) for item in page.items])

    async def read(self, head: Head) -> list[str] | None:
        """The groups of the open step, oldest first. None when chunks are gone: the step was stored meanwhile, or its
        writer is long dead."""
        flushed = head.flushed
        if head.session.running is None:
            return []
        if flushed.chunks is None:
            return list(flushed.tail)
        first, last = flushed.chunks
        place = head.session.log, flushed.epoch, first
        chunks = self._seen.get(place) or ()
        if not chunks or chunks[-1].last < last:
            newer = await self._newer(head, chunks[-1].last if chunks else 0)
            if newer is None:
                return None
            chunks = (*chunks, *newer)
            if sum(len(text) for chunk in chunks for text in chunk.groups) <= _KEPT_CHARACTERS:
                self._seen.put(place, chunks)
        told = [text for chunk in chunks if chunk.last <= last for text in chunk.groups]
        return [*told, *flushed.tail]

    async def _newer(self, head: Head, seen: int) -> list[_Chunk] | None:
        """The step's chunks after the one that ends with the group `seen`, oldest first."""
        assert head.flushed.chunks is not None
        first, last = head.flushed.chunks
        low, high = keys.chunk_range(head.session.log, head.flushed.epoch, max(seen, first - 1), last)
        pieces: dict[int, list[Item]] = {}
        async with aclosing(self._table.pages(head.partition, low, high)) as pages:
            async for page in pages:
                for item in page.items:
                    pieces.setdefault(keys.last_group(item[SORT]["S"]), []).append(item)
        found: list[_Chunk] = []
        while last != seen:
            chunk = await self._opened(last, pieces.get(last, []))
            if chunk is None:
                return None
            found.append(chunk)
            last = chunk.before
        return found[::-1]

    async def _opened(self, last: int, pieces: Sequence[Item]) -> _Chunk | None:
        if not pieces or len(pieces) != int(pieces[0]["p"]["N"]):
            return None
        small = b"".join(piece["d"]["B"] for piece in pieces)
        text = await self._table.calls.run(lambda: _text(small)) if len(small) > _SLOW_BYTES else _text(small)
        return _Chunk(last, int(pieces[0]["b"]["N"]), tuple(text.split("\n")))


def _room(head: Head) -> int:
    """The bytes that groups may take in the head: what is left of the last kilobyte it is billed by, or of the next
    where that is next to nothing."""
    bare = size(new_item(head, keys.nonce())) + _NEVER_SEEN_IN_A_HEAD
    return math.ceil((bare + _LEAST_ROOM) / _UNIT) * _UNIT - bare


def _chunk_keys(head: Head, lease: Lease, group: int, pieces: int) -> list[Item]:
    return [key(head.partition, keys.chunk(lease.log, lease.epoch, group, piece)) for piece in range(pieces)]


def _compressed(text: str) -> bytes:
    return zlib.compress(text.encode(), 9 if len(text) <= _SLOW_BYTES else 1)


def _text(small: bytes) -> str:
    return zlib.decompress(small).decode()
