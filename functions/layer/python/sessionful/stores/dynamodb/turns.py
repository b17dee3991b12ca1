"""What the holder of a lease writes, and what others may do to its turn."""

from dataclasses import replace

from sessionful.domain.error import InvalidRequest, LeaseLost
from sessionful.domain.session import RunningTurn, Session, SessionKey
from sessionful.domain.turn import Entry, Lease
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import ABSENT, Attribute, Item, key, number, put, string, update
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, move
from sessionful.stores.dynamodb.entries import write_entry
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.marks import marked
from sessionful.stores.dynamodb.packing import ENTRY_BYTES
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.reading import entry_key, entry_pieces
from sessionful.stores.dynamodb.table import SORT

_TRIES = 40
_HOLDING = "#g = :log AND #e = :epoch AND #rt = :turn"


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

    async def renew(self, lease: Lease, lease_until: int) -> bool:
        holding = _holding(lease) | {"until": number(lease_until)}
        at = key(keys.partition(lease.key), keys.HEAD)
        updated = await self._table.update(update(at, "SET #rl = :until", _HOLDING, holding))
        if not updated.done:
            raise heads.lease_lost(lease)
        return "rc" in updated.item

    async def take_over(self, session: SessionKey, lease_until: int) -> tuple[Lease, Session] | None:
        taker = string(keys.nonce())
        values = {"one": number(1), "now": number(self._heads.clock()), "until": number(lease_until), "taker": taker}
        expression = "SET #e = #e + :one, #v = #v + :one, #ra = #ra + :one, #rl = :until, #ro = :taker"
        condition = "attribute_exists(#rt) AND #rl <= :now"
        at = key(keys.partition(session), keys.HEAD)
        updated = await self._table.update(update(at, expression, condition, values))
        if not updated.done and not updated.item:
            raise heads.not_found(session)
        if not updated.done and updated.item.get("ro") != taker:
            return None
        (head,) = await self._heads.read([updated.item])
        head = head or await self._heads.get(session)
        if head.session.running is None:
            return None
        lease = heads.lease_of(head.session, head.session.running)
        self._held.keep(lease, head)
        return lease, head.session

    async def ask_cancel(self, session: SessionKey, turn: int) -> None:
        at = key(keys.partition(session), keys.HEAD)
        values: dict[str, Attribute] = {"yes": {"BOOL": True}, "turn": number(turn)}
        updated = await self._table.update(update(at, "SET #rc = :yes", "#rt = :turn", values))
        if not updated.done and not updated.item:
            raise heads.not_found(session)

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
        head = self._held.get(lease) or await self._head_of(lease)
        place, text = entry_pieces(head), write_entry(entry)
        stored = await self._pieces.put(place, text, ENTRY_BYTES)
        try:
            after, there = await self._written(lease, head, entry, stored, lease_until)
            if there is not None and await self._pieces.texts([(place, there)]) != [text]:
                await self._head_of(lease)
                raise InvalidRequest("the log has an entry at this place", position=list(entry.position))
        except (LeaseLost, InvalidRequest):
            self._held.drop(lease)
            await self._pieces.drop(place, stored)
            raise
        if there is not None:  # said before, by a call that never heard it was done
            await self._pieces.drop(place, stored)
        if lease_until is None:
            await self._heads.drop(head, head.message)
        return after

    async def _written(
        self, lease: Lease, head: Head, entry: Entry, stored: Attribute, lease_until: int | None
    ) -> tuple[Head, Attribute | None]:
        """The head after it; and what is at the entry's place already, if anything is."""
        for tries in range(_TRIES):
            running = _prolonged(head.session.running, lease_until)
            next_head = heads.appended(head.session, entry, running)
            after, refused = await self._store(head, next_head, entry, {"d": stored})
            if refused is None or "d" in refused:
                return after, refused and refused["d"]
            head = await self._head_of(lease)
            await pause(tries // 4)
        raise crowded()

    async def _store(self, head: Head, session: Session, entry: Entry, stored: Item) -> tuple[Head, Item | None]:
        """The head after it, and None when it was done; else the entry in the way, or `{}` when the head was."""
        after, mark = marked(replace(head, message=head.message if session.running else None), session)
        item = {**entry_key(head.partition, head.session.log, entry.position), **stored, **mark}
        moved = move(head, after, always=("rl",) if session.running else ())
        refused = await self._table.write(put(item, ABSENT), moved)
        if refused is None or refused[0] == item:  # our own, the answer to which was lost
            return after, None
        return after, refused[0] or {}

    async def _head_of(self, lease: Lease) -> Head:
        """Raises LeaseLost."""
        head = await self._heads.find(lease.key)
        if head is None or not heads.holds(lease, head.session):
            raise heads.lease_lost(lease)
        return head


def _prolonged(running: RunningTurn | None, lease_until: int | None) -> RunningTurn | None:
    if running is None or lease_until is None:
        return None
    return running.model_copy(update={"lease_until": lease_until})


def _holding(lease: Lease) -> Item:
    return {"log": string(lease.log), "epoch": number(lease.epoch), "turn": number(lease.turn)}
