"""Texts that lie in pieces: written before whatever points at them, read in one go, erased when nothing does."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sessionful.domain.error import RateLimited, StoreUnavailable
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Attribute, Item, key
from sessionful.stores.dynamodb.packing import Packed, Pointer, join, pack, unpack
from sessionful.stores.dynamodb.recent import Recent
from sessionful.stores.dynamodb.table import SORT

_SLOW_BYTES = 100_000
_KEPT_TEXTS = 64
_KEPT_CHARACTERS = 200_000


class Place(NamedTuple):
    """Whose pieces: `kind` is one of keys.ENTRY_PIECE and keys.HEAD_PIECE."""

    partition: str
    kind: str
    log: str


class Pieces:
    def __init__(self, table: Table) -> None:
        self._table = table
        # A pointer's nonce is made once for one text, so what is remembered under it is never out of date.
        self._recent: Recent[str, str] = Recent(_KEPT_TEXTS)

    async def put(self, place: Place, text: str, inline: int) -> Attribute:
        """Stores the pieces, if it takes any; returns what to write into the item."""
        packing = partial(pack, text, inline, *place)
        packed: Packed = packing() if len(text) < _SLOW_BYTES else await self._table.calls.run(packing)
        if packed.pieces:
            try:
                await self._table.put_all(packed.pieces)
            except (RateLimited, StoreUnavailable):
                await self.drop(place, packed.attribute)
                raise
        return packed.attribute

    async def texts(self, wanted: Sequence[tuple[Place, Attribute]]) -> list[str | None]:
        """What the attributes say; None for one whose pieces are gone."""
        opened = [unpack(attribute) for _, attribute in wanted]
        told = [one if isinstance(one, str) else self._recent.get(one.nonce) for one in opened]
        missing = [
            (number, place, pointer)
            for number, ((place, _), pointer) in enumerate(zip(wanted, opened, strict=True))
            if isinstance(pointer, Pointer) and told[number] is None
        ]
        if missing:
            sorts = {(place.partition, sort) for _, place, p in missing for sort in p.sorts(place.kind, place.log)}
            found = await self._table.find([key(*at) for at in sorts])
            by_sort = {item[SORT]["S"]: item for item in found}
            for number, place, pointer in missing:
                told[number] = await self._joined(place, pointer, by_sort)
        return told

    async def drop(self, place: Place, attribute: Attribute | None) -> None:
        """Erase the pieces an attribute points at, if it does. They go with their session at the latest, so a store
        that cannot just now is no reason to fail."""
        pointer = None if attribute is None else unpack(attribute)
        if isinstance(pointer, Pointer):
            with contextlib.suppress(RateLimited, StoreUnavailable):
                sorts = pointer.sorts(place.kind, place.log)
                await self._table.erase_all([key(place.partition, sort) for sort in sorts])

    async def _joined(self, place: Place, pointer: Pointer, by_sort: dict[str, Item]) -> str | None:
        sorts = pointer.sorts(place.kind, place.log)
        if not all(sort in by_sort for sort in sorts):
            return None
        joining = partial(join, [by_sort[sort]["d"]["B"] for sort in sorts])
        text = joining() if pointer.size < _SLOW_BYTES else await self._table.calls.run(joining)
        if len(text) <= _KEPT_CHARACTERS:
            self._recent.put(pointer.nonce, text)
        return text
