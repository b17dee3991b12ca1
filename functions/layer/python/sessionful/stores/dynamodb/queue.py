"""Turns that wait for their session: an item each, until the one that waits longest is admitted.

An item has what its turn was asked with (see asked.py), and

    g   log              qt  queued_at         qu  undo
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from sessionful.domain.session import QueuedTurn, SessionKey
from sessionful.domain.turn import Admitted, NewTurn, Queued, Window
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import ABSENT, Action, Attribute, Item, delete, key, number, put, string, update
from sessionful.stores.dynamodb.asked import YES, read_asked, write_asked
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, move
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.reading import Entries
from sessionful.stores.dynamodb.table import PARTITION, SORT
from sessionful.stores.dynamodb.used_keys import use_key

_TRIES = 40
_LOOKS = 3


class Queue:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads, entries: Entries, held: Held) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._entries = entries
        self._held = held

    async def enqueue(self, head: Head, turn: NewTurn, message: Attribute) -> Queued | None:
        """None when somebody has moved the head."""
        session, waiting = heads.enqueued(head.session, turn, self._heads.clock())
        after, keys_used = use_key(replace(head, session=session), waiting)
        item = _item(after, waiting, message)
        refused = await self._table.write(put(item, ABSENT), move(head, after), *keys_used)
        if refused is None or (refused[0] or {}).get("rn") == item["rn"]:  # our own, the answer to which was lost
            return Queued(session, waiting.turn_id)
        return None

    async def begin_next(self, session: SessionKey, lease_ms: int, window: Window) -> Admitted | None:
        """Looks at everything first: once the turn is admitted nothing is left that could fail."""
        taker = string(keys.nonce())
        for tries in range(_TRIES):
            head, page = await asyncio.gather(self._heads.live(session), self._entries.newest(session, window))
            if head.session.running is not None or not head.session.queued:
                return None
            items = await self._items(head, limit=1)
            waiting = await self._read(head, items)
            if waiting:
                past = await self._entries.window(head, window, page)
                next_head, running = heads.promoted(head.session, waiting[0], self._heads.clock(), lease_ms)
                after = replace(head, session=next_head, message=items[0]["rm"])
                refused = await self._table.write(move(head, after, also={"ro": taker}), _gone(items[0]))
                if refused is None or (refused[0] or {}).get("ro") == taker:
                    return self._held.admit(after, running, past)
            await pause(tries // 4)
        raise crowded()

    async def turns(self, session: SessionKey) -> list[QueuedTurn]:
        head = await self._heads.live(session)
        return await self._read(head, await self._items(head)) if head.session.queued else []

    async def ask_cancel(self, session: SessionKey, turn: int) -> None:
        """Where the turn runs, or where it waits; it may begin between the two looks, and then the third finds it."""
        partition, yes = keys.partition(session), {"yes": YES}
        asking = update(key(partition, keys.HEAD), "SET #rc = :yes", "#rt = :turn", {**yes, "turn": number(turn)})
        for _ in range(_LOOKS):
            updated = await self._table.update(asking)
            if not updated.done and not updated.item:
                raise heads.not_found(session)
            if updated.done or "q" not in updated.item:
                return
            at = key(partition, keys.waiting(updated.item["g"]["S"], turn))
            if await self._table.write(update(at, "SET #rc = :yes", f"attribute_exists(#{PARTITION})", yes)) is None:
                return

    async def _items(self, head: Head, limit: int | None = None) -> list[Item]:
        """The next one first; all of them unless there is a limit."""
        found: list[Item] = []
        first, last = keys.waiting_range(head.session.log)
        async with aclosing(self._table.pages(head.partition, first, last, limit=limit)) as pages:
            async for page in pages:
                found += page.items
                if limit is not None and len(found) >= limit:
                    break
        return found

    async def _read(self, head: Head, items: Sequence[Item]) -> list[QueuedTurn]:
        """Without those whose pieces are gone, for they have begun and ended meanwhile."""
        texts = await self._pieces.texts([(self._heads.place(head), item["rm"]) for item in items])
        return [_turn(item, text) for item, text in zip(items, texts, strict=True) if text is not None]


def _item(head: Head, turn: QueuedTurn, message: Attribute) -> Item:
    attributes: dict[str, Attribute | None] = {
        **key(head.partition, keys.waiting(head.session.log, turn.number)),
        **write_asked(turn, message),
        "g": string(head.session.log),
        "qt": number(turn.queued_at),
        "qu": None if turn.undo is None else number(turn.undo),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _turn(item: Item, text: str) -> QueuedTurn:
    undo = int(item["qu"]["N"]) if "qu" in item else None
    return QueuedTurn(**read_asked(item, text), queued_at=int(item["qt"]["N"]), undo=undo)


def _gone(item: Item) -> Action:
    """The deletion of a turn that waited: refused when somebody has asked to cancel it since it was read."""
    asked = "" if "rc" in item else " AND attribute_not_exists(#rc)"
    return delete(key(item[PARTITION]["S"], item[SORT]["S"]), f"attribute_exists(#{PARTITION}){asked}")
