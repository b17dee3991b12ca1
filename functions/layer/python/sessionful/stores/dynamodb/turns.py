"""The entries that the holder of a lease writes, and those that are put in by hand."""

from dataclasses import replace

from sessionful.domain.error import InvalidRequest, LeaseLost
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Entry, Lease
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import ABSENT, Attribute, Item, key, put, string
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, move
from sessionful.stores.dynamodb.entries import read_entry, write_entry
from sessionful.stores.dynamodb.flushed import NOTHING
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.marks import marked
from sessionful.stores.dynamodb.packing import ENTRY_BYTES
from sessionful.stores.dynamodb.pieces import Pieces, Place
from sessionful.stores.dynamodb.reading import entry_key, entry_pieces
from sessionful.stores.dynamodb.table import SORT

_TRIES = 40


class Turns:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads, held: Held) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._held = held

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        self._held.keep(lease, await self._write(lease, entry, lease_until))

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        after = await self._write(lease, entry, None)
        self._held.drop(lease)
        return after.session

    async def insert(self, session: SessionKey, entry: Entry) -> Session:
        head = await self._heads.live(session)
        for tries in range(_TRIES):
            heads.check_free(head.session, self._heads.clock())
            next_head, placed = heads.inserted(head.session, entry, self._heads.clock())
            stored = await self._pieces.put(entry_pieces(head), write_entry(placed), ENTRY_BYTES)
            # Anybody may insert at this place, and the same text too: the nonce tells our own entry from theirs.
            nonce = {"w": string(keys.nonce())}
            after, refused = await self._store(head, next_head, placed, {"d": stored, **nonce})
            if refused is None:
                return after.session
            await self._pieces.drop(entry_pieces(head), stored)
            await pause(tries // 4)
            head = await self._heads.live(session)
        raise crowded()

    async def turn_for(self, session: SessionKey, idempotency_key: str) -> str | None:
        partition = keys.partition(session)
        sort = keys.idempotency(idempotency_key)
        items = await self._table.find([key(partition, keys.HEAD), key(partition, sort)])
        found = {item[SORT]["S"]: item for item in items}
        if keys.HEAD not in found:
            raise heads.not_found(session)
        used = found.get(sort)
        if used is None or used["g"] != found[keys.HEAD]["g"]:
            return None
        turn_id: str = used["n"]["S"]
        return turn_id

    async def _write(self, lease: Lease, entry: Entry, lease_until: int | None) -> Head:
        """Stores the entry and moves the head; `lease_until` is None for the turn's last entry."""
        head = self._held.get(lease) or await self._heads.held_by(lease)
        place = entry_pieces(head)
        text, stored = "", None
        try:
            for tries in range(_TRIES):
                session, told = _moved(head.session, entry, lease_until)
                if (written := write_entry(told)) != text:  # the state may have changed meanwhile
                    await self._pieces.drop(place, stored)
                    text, stored = written, await self._pieces.put(place, written, ENTRY_BYTES)
                assert stored is not None
                after, refused = await self._store(head, session, told, {"d": stored})
                if refused is not None and "d" in refused:
                    await self._check_same(lease, entry, place, refused["d"])
                    await self._pieces.drop(place, stored)
                if refused is None or "d" in refused:
                    if lease_until is None:
                        await self._heads.drop(head, head.message)
                    return after
                head = await self._heads.held_by(lease)
                await pause(tries // 4)
        except (LeaseLost, InvalidRequest):
            self._held.drop(lease)
            await self._pieces.drop(place, stored)
            raise
        raise crowded()

    async def _check_same(self, lease: Lease, entry: Entry, place: Place, there: Attribute) -> None:
        """Whether what is at the entry's place was said by this call's own first try, or by an earlier call that never
        heard it was done. The state that the store adds does not count: it may be another by now."""
        (text,) = await self._pieces.texts([(place, there)])
        unstated = {"state": None, "state_at": None}
        said = None if text is None else read_entry(text, entry.position).model_copy(update=unstated)
        if said != entry.model_copy(update=unstated):
            await self._heads.held_by(lease)
            raise InvalidRequest("the log has an entry at this place", position=list(entry.position))

    async def _store(self, head: Head, session: Session, entry: Entry, stored: Item) -> tuple[Head, Item | None]:
        """The head after it, and None when it was done; else the entry in the way, or `{}` when the head was."""
        running = session.running is not None
        flushed = head.flushed._replace(chunks=None, tail=()) if running else NOTHING
        after = replace(head, message=head.message if running else None, flushed=flushed)
        after, mark = marked(after, session)
        item = {**entry_key(head.partition, head.session.log, entry.position), **stored, **mark}
        moved = move(head, after, always=("rl",) if running else (), step=running)
        refused = await self._table.write(put(item, ABSENT), moved)
        if refused is None or refused[0] == item:  # our own, the answer to which was lost
            return after, None
        return after, refused[0] or {}


def _moved(head: Session, entry: Entry, lease_until: int | None) -> tuple[Session, Entry]:
    """The head after the entry, and the entry with what the store has to say in it."""
    if head.running is None or lease_until is None:
        head, entry = heads.stated(head, entry)
        return heads.appended(head, entry, None), entry
    return heads.appended(head, entry, head.running.model_copy(update={"lease_until": lease_until})), entry
