"""Heads, read whole: the item, and the pieces of what was too big for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sessionful.domain.error import PayloadTooLarge, StoreUnavailable
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Lease
from sessionful.ports import Clock
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Attribute, Item, key, size
from sessionful.stores.dynamodb.calls import pause
from sessionful.stores.dynamodb.codec import Head, read_head, read_key, settings_text
from sessionful.stores.dynamodb.packing import FLUSHED_MESSAGE_BYTES, SETTINGS_BYTES, unpack
from sessionful.stores.dynamodb.pieces import Pieces, Place
from sessionful.stores.dynamodb.recent import Recent

_TRIES = 5
_MOST_SETTINGS = 1_000_000
_KNOWN_LOGS = 10_000


class Heads:
    def __init__(self, table: Table, pieces: Pieces, clock: Clock) -> None:
        self._table = table
        self._pieces = pieces
        self.clock = clock
        # A log never moves, so what is remembered is never out of date.
        self._homes: Recent[str, str] = Recent(_KNOWN_LOGS)

    async def find(self, session: SessionKey) -> Head | None:
        for tries in range(_TRIES):
            item = await self._table.get(keys.partition(session), keys.HEAD)
            if item is None:
                return None
            (head,) = await self.read([item])
            if head is not None:
                return head
            await pause(tries)
        raise StoreUnavailable("the session changes faster than it can be read")

    async def get(self, session: SessionKey) -> Head:
        """Raises SessionNotFound."""
        head = await self.find(session)
        if head is None:
            raise heads.not_found(session)
        return head

    async def held_by(self, lease: Lease) -> Head:
        """Raises LeaseLost."""
        head = await self.find(lease.key)
        if head is None or not heads.holds(lease, head.session):
            raise heads.lease_lost(lease)
        return head

    async def live(self, session: SessionKey) -> Head:
        """Raises SessionNotFound and SessionExpired."""
        head = await self.get(session)
        heads.check_live(head.session, self.clock())
        return head

    async def many(self, sessions: Sequence[SessionKey]) -> list[Head]:
        """Those of them that are there, in no order."""
        items = await self._table.find([key(keys.partition(one), keys.HEAD) for one in sessions])
        return await self.whole(items)

    async def whole(self, items: Sequence[Item]) -> list[Head]:
        """Those of the heads that are still there when their pieces are."""
        read = await self.read(items)
        again = await asyncio.gather(
            *(self.find(read_key(item)) for item, head in zip(items, read, strict=True) if head is None)
        )
        return [head for head in (*read, *again) if head is not None]

    async def read(self, items: Sequence[Item]) -> list[Head | None]:
        """None for a head whose pieces have been replaced since its item was read."""
        wanted = [
            (Place(item["pk"]["S"], keys.HEAD_PIECE, item["g"]["S"]), item[name])
            for item in items
            for name in ("d", "rm")
            if name in item
        ]
        told = iter(await self._pieces.texts(wanted))
        read: list[Head | None] = []
        for item in items:
            texts = {name: next(told) for name in ("d", "rm") if name in item}
            settings, message = texts.get("d", ""), texts.get("rm", "")
            if settings is None or message is None:
                read.append(None)
            else:
                read.append(self._remember(read_head(item, settings, message)))
        return read

    async def settled(self, head: Head) -> Head:
        """With its settings stored where they have to lie outside of the item. Raises PayloadTooLarge."""
        text = settings_text(head)
        if len(text) > _MOST_SETTINGS:
            raise PayloadTooLarge(
                "title, system, metadata, state and checkpoints are too large together",
                limit=_MOST_SETTINGS,
                size=len(text),
            )
        settings = await self._pieces.put(self.place(head), text, SETTINGS_BYTES) if text else None
        return replace(self._remember(head), settings=settings)

    async def lightened(self, head: Head) -> Head:
        """With the running turn's message outside of the item, where it would weigh on every flush."""
        if head.message is None or "L" in head.message or size({"rm": head.message}) <= FLUSHED_MESSAGE_BYTES:
            return head
        message = await self._pieces.put(self.place(head), str(unpack(head.message)), FLUSHED_MESSAGE_BYTES)
        return replace(head, message=message)

    async def drop(self, head: Head, attribute: Attribute | None) -> None:
        """Erase pieces that the head does not point at any more."""
        await self._pieces.drop(self.place(head), attribute)

    def place(self, head: Head) -> Place:
        return Place(head.partition, keys.HEAD_PIECE, head.session.log)

    async def home(self, session: Session, log: str) -> str | None:
        """The partition of a log that the session sees, or None when nobody knows it any more."""
        if log == session.log:
            return keys.partition(session.key)
        home = self._homes.get(log)
        if home is None and (head := await self.find(session.key)) is not None:
            home = head.home(log)
        return home

    def _remember(self, head: Head) -> Head:
        for log, home in head.where.items():
            self._homes.put(log, home)
        return head
