"""What a turn tells while it runs: flushed by its holder, followed from outside, handed on when it is taken over."""

import contextlib
from dataclasses import replace

from sessionful.domain.error import LeaseLost, RateLimited, StoreUnavailable
from sessionful.domain.session import SessionKey
from sessionful.domain.turn import Group, Lease, Taken, Watched
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table, Updated
from sessionful.stores.dynamodb.actions import Action, Item, assignment, key, number, string, update
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, write_place
from sessionful.stores.dynamodb.fence import HOLDING, holding, holds
from sessionful.stores.dynamodb.flushed import FLUSHED, Flushed, read_flushed, write_flushed
from sessionful.stores.dynamodb.groups import Groups
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads

_TRIES = 12

_TAKE_OVER = "SET #e = #e + :one, #v = #v + :one, #ra = #ra + if_not_exists(#rz, :one), #rl = :until, #ro = :taker"


class Flushing:
    def __init__(self, table: Table, heads: Heads, groups: Groups, held: Held) -> None:
        self._table = table
        self._heads = heads
        self._groups = groups
        self._held = held

    async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
        """Says the whole tail each time, on the condition that the head is as this holder left it. So what comes twice
        is done once, and what comes late, after another group or after the step was stored, is refused."""
        if group is None:
            return await self._prolong(lease, lease_until)
        head = self._held.take(lease)  # and given back once the table has said that it is so
        for tries in range(_TRIES):
            head = head or await self._heads.held_by(lease)
            if head.flushed.epoch == lease.epoch and group.number <= head.flushed.number:
                self._held.give_back(lease, head)
                return await self._prolong(lease, lease_until)
            light = await self._heads.lightened(head)
            flushed = await self._groups.added(light, lease, group)
            updated = await self._table.update(_flush(light, lease, flushed, lease_until, light is not head))
            if updated.done:
                self._held.give_back(lease, replace(light, flushed=flushed))
                return "rc" in updated.item
            if light is not head and updated.item.get("rm") != light.message:
                await self._heads.drop(light, light.message)
            await self._clear(light, lease, flushed, updated)
            head = None
            await pause(tries // 4)
        raise crowded()

    async def peek(self, lease: Lease) -> bool:
        # The cheap read may show a head from before the lease. Only a consistent one is believed that it is lost.
        at = keys.partition(lease.key), keys.HEAD
        item = await self._table.glance(*at, "g", "e", "rt", "rc")
        if item is None or not holds(lease, item):
            item = await self._table.get(*at)
            if item is None or not holds(lease, item):
                raise heads.lease_lost(lease)
        return "rc" in item

    async def release(self, lease: Lease) -> None:
        await self._held_update(lease, "SET #rl = :none, #rz = :none", {"none": number(0)})

    async def watch(self, session: SessionKey) -> Watched:
        missed: Flushed | None = None
        for tries in range(_TRIES):
            head = await self._heads.live(session)
            groups = await self._groups.read(head)
            if groups is None and head.flushed == missed:
                groups = []  # not stored meanwhile: the table has erased what a dead writer told, long after it
            if groups is not None:
                return Watched(head.session, groups)
            missed = head.flushed
            await pause(tries)
        raise StoreUnavailable("the session changes faster than it can be read")

    async def take_over(self, session: SessionKey, lease_until: int) -> Taken | None:
        taker = string(keys.nonce())
        values = {"one": number(1), "now": number(self._heads.clock()), "until": number(lease_until), "taker": taker}
        at = key(keys.partition(session), keys.HEAD)
        taking = update(at, f"{_TAKE_OVER} REMOVE #rz", "attribute_exists(#rt) AND #rl <= :now", values)
        updated = await self._table.update(taking)
        if not updated.done and not updated.item:
            raise heads.not_found(session)
        if not updated.done and updated.item.get("ro") != taker:
            return None
        (head,) = await self._heads.read([updated.item])
        head = head or await self._heads.get(session)
        if head.session.running is None or head.session.epoch != int(updated.item["e"]["N"]):
            return None
        lease = heads.lease_of(head.session, head.session.running)
        try:
            groups = await self._groups.read(head) or []
        except (RateLimited, StoreUnavailable):
            with contextlib.suppress(LeaseLost, RateLimited, StoreUnavailable):
                await self.release(lease)  # nobody runs it, so the next one may take it at once, as this attempt
            raise
        self._held.keep(lease, head)
        return Taken(lease, head.session, groups)

    async def _prolong(self, lease: Lease, lease_until: int) -> bool:
        return "rc" in await self._held_update(lease, "SET #rl = :until", {"until": number(lease_until)})

    async def _held_update(self, lease: Lease, expression: str, values: Item) -> Item:
        """Raises LeaseLost."""
        at = key(keys.partition(lease.key), keys.HEAD)
        updated = await self._table.update(update(at, expression, HOLDING, {**holding(lease), **values}))
        if not updated.done:
            raise heads.lease_lost(lease)
        return updated.item

    async def _clear(self, head: Head, lease: Lease, flushed: Flushed, refused: Updated) -> None:
        """Raises LeaseLost when that is why the flush was refused, and leaves no chunk then that nobody points at."""
        if holds(lease, refused.item):
            return
        there = read_flushed(refused.item)
        pointed_at = there.epoch == lease.epoch and there.number >= flushed.number
        if flushed.chunks is not None and flushed.chunks[1] == flushed.number and not pointed_at:
            with contextlib.suppress(RateLimited, StoreUnavailable):
                await self._groups.erase(head, lease, flushed.number)
        raise heads.lease_lost(lease)


def _flush(head: Head, lease: Lease, flushed: Flushed, lease_until: int, lightened: bool) -> Action:
    told = write_flushed(flushed)
    changes = {"rl": number(lease_until), **told}
    if lightened and head.message is not None:
        changes["rm"] = head.message
    expression, values = assignment(changes, [name for name in FLUSHED if name not in told])
    values |= {**holding(lease), "last": string(write_place(head.session.last))}
    if head.flushed.epoch == lease.epoch:
        before = "#fe = :epoch AND #fn = :before"
        values["before"] = number(head.flushed.number)
    else:
        before = "(attribute_not_exists(#fe) OR #fe <> :epoch)"
    at = key(head.partition, keys.HEAD)
    return update(at, expression, f"{HOLDING} AND #l = :last AND {before}", values)
