"""New sessions: made from nothing, from a past that is given, or as a fork of another."""

import contextlib
from collections.abc import Sequence

from sessionful.domain.error import InvalidRequest, RateLimited, SessionExists, SessionNotFound, StoreUnavailable
from sessionful.domain.lineage import START, forked, log_at, tip
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.turn import Entry
from sessionful.domain.usage import Usage
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import ABSENT, Action, Item, key, number, put, string, update
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, new_item
from sessionful.stores.dynamodb.entries import write_entry
from sessionful.stores.dynamodb.erasing import Erasing, holder_keys, pick_holder
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.packing import ENTRY_BYTES
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.reading import Entries, entry_key, entry_pieces
from sessionful.stores.dynamodb.table import PARTITION, SORT

_TRIES = 12
_MOST_IN_TRANSACTION = 50
_MOST_BYTES_IN_TRANSACTION = 1_000_000


class Founding:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads, entries: Entries, erasing: Erasing) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._entries = entries
        self._erasing = erasing

    async def create(self, session: Session, entries: Sequence[Entry]) -> Session:
        """Raises SessionExists, PayloadTooLarge, and InvalidRequest for entries that do not ascend."""
        _check(session, entries)
        head = await self._heads.settled(Head(session, mark=session.updated_at))
        items = [await self._item(head, entry) for entry in entries]
        size = sum(len(value) for item in items for value in item["d"].values())
        together = len(items) <= _MOST_IN_TRANSACTION and size <= _MOST_BYTES_IN_TRANSACTION
        if not together:
            await self._make_room(session.key)
            await self._table.put_all(items)
        try:
            await self._enter(head, [put(item) for item in items] if together else [])
        except SessionExists:
            await self._undo(head, items, written=not together)
            raise
        return session

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        """Two requests, or three when the place has to be looked at; nothing of it depends on the past's length.

        The new head and the parent's count of holds are one transaction, so that a process which dies here leaves
        neither a past that may be erased nor one that never will be."""
        for tries in range(_TRIES):
            parent = await self._heads.live(source)
            place = tip(parent.session) if at is None else at
            count, usage, holder = await self._seen(parent, place, at is not None)
            if child.key == source:
                raise heads.already_exists(source)
            if (holder[PARTITION], holder[SORT]) == tuple(key(keys.partition(child.key), keys.HEAD).values()):
                await self._make_room(child.key)  # an ancestor's place; a transaction may not touch one item twice
                continue
            session = forked(parent.session, place, child, count, usage)
            held = session.past[-1].log if session.past else None
            homes = {segment.log: parent.home(segment.log) or "" for segment in session.past}
            head = await self._heads.settled(Head(session, mark=session.updated_at, where=homes, held=held))
            try:
                if await self._enter(head, [] if held is None else [_hold(holder, held)]):
                    return session
            except SessionExists:
                await self._undo(head, [])
                raise
            await self._undo(head, [])
            await pause(tries // 4)
        raise crowded()

    async def _seen(self, parent: Head, place: Position, asked: bool) -> tuple[int, Usage, Item]:
        """The sums at a place of the parent's past, and the item that counts who holds on to the log it lies in."""
        session = parent.session
        own_head = key(parent.partition, keys.HEAD)
        if place == START and not asked:
            return session.message_count, session.usage, own_head
        log = log_at(session, place)
        home = None if log is None else parent.home(log)
        if log is None or home is None:
            raise _no_entry(session, place)
        own = log == session.log
        wanted = [] if own else holder_keys(home, log)
        if place != tip(session):
            wanted.append(entry_key(home, log, place))
        found = {item[SORT]["S"]: item for item in (await self._table.find(wanted) if wanted else [])}
        stored = found.pop(keys.entry(log, place), None)
        holder = own_head if own else pick_holder(list(found.values()), log)
        if holder is None:
            raise SessionNotFound("the session is being deleted", session_id=session.key.id)
        if place == tip(session):
            return session.message_count, session.usage, holder
        entry = None if stored is None else await self._entries.opened(stored, log)
        if entry is None:
            raise _no_entry(session, place)
        return entry.message_count, entry.usage_total, holder

    async def _enter(self, head: Head, others: list[Action]) -> bool:
        """Store the head together with `others`. Raises SessionExists; False when one of the others was refused."""
        session, maker = head.session, keys.nonce()
        for tries in range(_TRIES):
            refused = await self._table.write(put(new_item(head, maker), ABSENT), *others)
            if refused is None:
                return True
            there = refused[0]
            if there is None:
                return False
            if there and there["w"]["S"] == maker:  # our own, the answer to which was lost
                return True
            await self._make_room(session.key)
            await pause(tries // 4)
        raise crowded()

    async def _make_room(self, session: SessionKey) -> None:
        """Erase the key's holder when it has expired. Raises SessionExists."""
        holder = await self._heads.find(session)
        if holder is not None:
            if not holder.session.expired(self._heads.clock()):
                raise heads.already_exists(session)
            await self._erasing.bury(holder)

    async def _item(self, head: Head, entry: Entry) -> Item:
        stored = await self._pieces.put(entry_pieces(head), write_entry(entry), ENTRY_BYTES)
        return {**entry_key(head.partition, head.session.log, entry.position), "d": stored}

    async def _undo(self, head: Head, items: Sequence[Item], written: bool = False) -> None:
        """Nobody sees what has no head, but it should not lie about either. Only for a head that surely was refused:
        after a lost answer it may well be there."""
        await self._heads.drop(head, head.settings)
        for item in items:
            await self._pieces.drop(entry_pieces(head), item["d"])
        if written:
            with contextlib.suppress(RateLimited, StoreUnavailable):
                there = await self._heads.find(head.session.key)
                if there is None or there.session.log != head.session.log:
                    await self._table.erase_all([key(item[PARTITION]["S"], item[SORT]["S"]) for item in items])


def _check(session: Session, entries: Sequence[Entry]) -> None:
    if session.past or session.running is not None:
        raise InvalidRequest("a new session shares no past and runs no turn", session_id=session.key.id)
    last = START
    for entry in entries:
        if entry.position <= last:
            raise InvalidRequest("the entries of a past ascend", position=list(entry.position))
        last = entry.position


def _hold(holder: Item, log: str) -> Action:
    """One hold more on a log. Remains that nobody holds any more are being erased, and take no new one."""
    at = key(holder[PARTITION]["S"], holder[SORT]["S"])
    values = {"more": number(1)}
    if holder[SORT]["S"] == keys.HEAD:
        return update(at, "ADD #fk :more", "#g = :log", {**values, "log": string(log)})
    return update(at, "ADD #fk :more", "#fk > :none", {**values, "none": number(0)})


def _no_entry(session: Session, place: Position) -> InvalidRequest:
    return InvalidRequest("the session has no entry at this place", session_id=session.key.id, at=list(place))
