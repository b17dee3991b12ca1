"""Texts that lie in pieces: written before whatever points at them, read in one go, erased when nothing does.

Where there is a place for objects, a text of more than one piece becomes an object instead: a megabyte written to the
table is a thousand write units, and to a bucket it is one request.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sessionful.domain.error import RateLimited, StoreUnavailable
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Attribute, Item, key
from sessionful.stores.dynamodb.packing import Packed, Pointer, join, pack, unpack
from sessionful.stores.dynamodb.recent import Recent
from sessionful.stores.dynamodb.table import SORT
from sessionful.stores.objects import Objects

OBJECT_BYTES = 256 * 1024
"""What pieces may take, compressed, before they become an object."""

_SLOW_BYTES = 100_000
_KEPT_TEXTS = 64
_KEPT_CHARACTERS = 200_000


class Place(NamedTuple):
    """Whose pieces: `kind` is one of keys.ENTRY_PIECE and keys.HEAD_PIECE."""

    partition: str
    kind: str
    log: str


class Pieces:
    def __init__(self, table: Table, objects: Objects | None = None) -> None:
        self._table = table
        self._objects = objects
        # A pointer's nonce is made once for one text, so what is remembered under it is never out of date.
        self._recent: Recent[str, str] = Recent(_KEPT_TEXTS)

    async def put(self, place: Place, text: str, inline: int) -> Attribute:
        """Stores the pieces or the object, if it takes any. Returns what to write into the item."""
        packing = partial(pack, text, inline, *place)
        packed: Packed = packing() if len(text) < _SLOW_BYTES else await self._table.calls.run(packing)
        if self._objects is not None and packed.size > OBJECT_BYTES:
            pointer, content = packed.as_object()
            return await self._put_object(self._objects, place, pointer, content)
        if packed.pieces:
            try:
                await self._table.put_all(packed.pieces)
            except (RateLimited, StoreUnavailable):
                await self.drop(place, packed.attribute)
                raise
        return packed.attribute

    async def texts(self, wanted: Sequence[tuple[Place, Attribute]]) -> list[str | None]:
        """What the attributes say; None for one whose pieces, or whose object, are gone. Raises StoreUnavailable for an
        object when there is no place for any."""
        opened = [unpack(attribute) for _, attribute in wanted]
        told = [one if isinstance(one, str) else self._recent.get(one.nonce) for one in opened]
        missing = [
            (number, place, pointer)
            for number, ((place, _), pointer) in enumerate(zip(wanted, opened, strict=True))
            if isinstance(pointer, Pointer) and told[number] is None
        ]
        if missing:
            sorts = {(place.partition, sort) for _, place, p in missing for sort in p.sorts(place.kind, place.log)}
            found = await self._table.find([key(*at) for at in sorts]) if sorts else []
            by_sort = {item[SORT]["S"]: item for item in found}
            joined = await asyncio.gather(*(self._joined(place, p, by_sort) for _, place, p in missing))
            for (number, _, _), text in zip(missing, joined, strict=True):
                told[number] = text
        return told

    async def drop(self, place: Place, attribute: Attribute | None) -> None:
        """Erase the pieces or the object that an attribute points at, if it does. They go with their session at the
        latest, so a store that cannot just now is no reason to fail."""
        pointer = None if attribute is None else unpack(attribute)
        if isinstance(pointer, Pointer):
            with contextlib.suppress(RateLimited, StoreUnavailable):
                sorts = pointer.sorts(place.kind, place.log)
                await self._table.erase_all([key(place.partition, sort) for sort in sorts])
                if not pointer.cuts and self._objects is not None:
                    await self._table.calls.run(partial(self._objects.drop, _name(place, pointer)))

    async def erase_objects(self, log: str, shared: bool) -> None:
        """Of a log without a head: all, or those that forks cannot see."""
        if self._objects is not None:
            prefix = keys.object_prefix(log, keys.HEAD_PIECE if shared else "")
            await self._table.calls.run(partial(self._objects.erase, prefix))

    async def _put_object(self, objects: Objects, place: Place, pointer: Pointer, content: bytes) -> Attribute:
        try:
            await self._table.calls.run(partial(objects.put, _name(place, pointer), content))
        except (RateLimited, StoreUnavailable):
            await self.drop(place, pointer.attribute)
            raise
        return pointer.attribute

    async def _joined(self, place: Place, pointer: Pointer, by_sort: dict[str, Item]) -> str | None:
        pieces = self._found(place, pointer, by_sort) if pointer.cuts else await self._fetched(place, pointer)
        if not pieces:
            return None
        joining = partial(join, pieces)
        text = joining() if pointer.size < _SLOW_BYTES else await self._table.calls.run(joining)
        if len(text) <= _KEPT_CHARACTERS:
            self._recent.put(pointer.nonce, text)
        return text

    def _found(self, place: Place, pointer: Pointer, by_sort: dict[str, Item]) -> list[bytes]:
        sorts = pointer.sorts(place.kind, place.log)
        whole = all(sort in by_sort for sort in sorts)
        return [by_sort[sort]["d"]["B"] for sort in sorts] if whole else []

    async def _fetched(self, place: Place, pointer: Pointer) -> list[bytes]:
        if self._objects is None:
            raise StoreUnavailable("a part of the session lies in a bucket, and the store is configured without one")
        content = await self._table.calls.run(partial(self._objects.get, _name(place, pointer)))
        return [] if content is None else [content]


def _name(place: Place, pointer: Pointer) -> str:
    return keys.object_name(place.kind, place.log, pointer.nonce)
