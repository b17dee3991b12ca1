"""The end of a session: its head goes at once, its log when no living fork sees it any more.

A head counts the logs that hold on to its own (`fk`). When a session is deleted, one transaction puts its *remains* in
the head's place: the count, its key, and the log that it held on to itself. Remains stay as long as somebody holds on;
then everything is erased, and in the last transaction, which takes the remains away, the next log up the line is let
go. So nothing is counted twice or forgotten, whenever a process dies: the remains say what is still to do.

The stream may tell of an expired head again when all that is done. If that one held on to another log, a *mark* stays
in the place of its remains, so that the other is not let go twice; the mark expires by itself, long after the stream
has forgotten the head.
"""

import asyncio
from contextlib import aclosing
from typing import Any, Literal, NamedTuple

from sessionful.domain.lineage import END, START
from sessionful.domain.session import Session, SessionKey
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Action, Item, delete, key, number, put, string, update
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import Head, read_head, read_key
from sessionful.stores.dynamodb.entries import write_json
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.table import EXPIRY, GRACE_SECONDS, PARTITION, SORT

_TRIES = 40
_KEYS_AT_ONCE = 8


class Ended(NamedTuple):
    """A session that is no more, and how it went: it has `expired`, and its past can still be read; or it was `deleted`
    at somebody's word, or `swept` after it had expired, and nothing is known of it but its key, its log and whether it
    was shared."""

    session: Session
    how: Literal["expired", "swept", "deleted"]


class Erasing:
    def __init__(self, table: Table, heads: Heads, pieces: Pieces) -> None:
        self._table = table
        self._heads = heads
        self._pieces = pieces

    async def delete(self, session: SessionKey, log: str | None = None) -> None:
        """Raises SessionNotFound."""
        for tries in range(_TRIES):
            head = await self._heads.get(session)
            heads.check_log(head.session, log)
            if await self.bury(head, deleted=True):
                return
            await pause(tries // 4)
        raise crowded()

    async def bury(self, head: Head, deleted: bool = False) -> bool:
        """Replace the head by its remains, and erase what nobody needs. False when the head is another by now.
        `deleted`: somebody asked for it; else it has expired."""
        session, shares = head.session, number(head.shares)
        unshared = "attribute_not_exists(#fk) OR " if not head.shares else ""
        gone = delete(
            key(head.partition, keys.HEAD),
            f"#g = :log AND ({unshared}#fk = :shares)",
            {"log": string(session.log), "shares": shares},
        )
        remains = {**_remains(head), **_name(session, deleted), "w": string(keys.nonce())}
        refused = await self._table.write(gone, put(remains))
        if refused is not None:
            # Unless it is our own first try, whose answer was lost, the head is another by now.
            there = await self._table.get(head.partition, keys.remains(session.log))
            if there is None or there.get("w") != remains["w"]:
                return False
        await self._erase(head.partition, session.log)
        return True

    async def ended(self, image: Item) -> Ended | None:
        """Whose end it is that the table's stream tells of with this item, as `sweep` is given it. None for the remains
        of a head that expired: that was told of by itself."""
        if image[SORT]["S"] == keys.HEAD:
            (head,) = await self._heads.read([image])
            return Ended(read_head(image).session, "swept") if head is None else Ended(head.session, "expired")
        if "z" not in image or "k" not in image:
            return None
        name = {"key": read_key(image), "log": image["g"]["S"], "sharing": "sh" in image}
        return Ended(Session(**name, created_at=0, updated_at=0), "deleted" if "dl" in image else "swept")

    async def sweep(self, image: Item) -> None:
        """Do what is still to be done about a head that the table's own expiry has taken away, or about remains whose
        deleter died: `image` is that item, as the table's stream tells it. May be done twice, or beside a deleter."""
        sort = image[SORT]["S"]
        if sort == keys.HEAD:
            (head,) = await self._heads.read([image])
            if head is not None:  # else an earlier sweep has begun to erase, and left remains
                await self._expired(head)
        if sort == keys.HEAD or sort.startswith(f"{keys.REMAINS}#"):
            await self._erase(image[PARTITION]["S"], image["g"]["S"])

    async def _expired(self, head: Head) -> None:
        if head.shares and not await self._has_entries(head):
            return  # told of a second time, after the last fork has let go
        remains = _remains(head)
        said: Item = {name: remains[name] for name in ("g", "h", "hp", "z") if name in remains}
        if "h" in said:
            said["x"] = {"BOOL": True}  # it is to leave a mark
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in said) + " ADD #fk :shares"
        at = key(head.partition, keys.remains(head.session.log))
        unknown = f"attribute_not_exists(#z) AND attribute_not_exists(#{EXPIRY})"
        await self._table.write(update(at, expression, unknown, {**said, "shares": number(head.shares)}))

    async def _erase(self, partition: str, log: str) -> None:
        """Erase a log that has no head any more: all of it, or only what forks cannot see."""
        while True:
            remains = await self._table.get(partition, keys.remains(log))
            if remains is None or "z" not in remains:
                return
            shared = int(remains["fk"]["N"]) > 0
            await self._erase_items(partition, log, shared)
            await self._pieces.erase_objects(log, shared)
            if shared:
                return
            held = await self._let_go(partition, log, remains)
            if held is None:
                return
            partition, log = held

    async def _let_go(self, partition: str, log: str, remains: Item) -> tuple[str, str] | None:
        """Take the remains away, and with them this log's hold on another: that one's place is returned."""
        at, unheld = key(partition, keys.remains(log)), f"attribute_exists(#{PARTITION}) AND #fk <= :none"
        gone = delete(at, unheld, {"none": number(0)})
        if "x" in remains:
            until = number(self._heads.clock() // 1000 + GRACE_SECONDS)
            mark = f"SET #{EXPIRY} = :until REMOVE #z, #h, #hp, #x, #fk, #k, #sh, #dl"
            gone = update(at, mark, unheld, {"none": number(0), "until": until})
        if "h" not in remains:
            await self._table.write(gone)
            return None
        held, home = remains["h"]["S"], remains["hp"]["S"]
        for tries in range(_TRIES):
            refused = await self._table.write(gone, await self._release(home, held))
            if refused is None or refused[0] is not None:  # done, or done before: by our own first try or somebody else
                return home, held
            await pause(tries // 4)
        raise crowded()

    async def _release(self, home: str, log: str) -> Action:
        """One hold less, counted where the log's session is by now: in its head or in its remains. When there is
        neither, the table's expiry took the head, and `sweep` will add to what is written here."""
        item = await self.holder(home, log)
        values = {"less": number(-1)}
        if item is not None and item[SORT]["S"] == keys.HEAD:
            return update(key(home, keys.HEAD), "ADD #fk :less", "#g = :log", {**values, "log": string(log)})
        at = key(home, keys.remains(log))
        known = "attribute_exists(#z)" if item is not None and "z" in item else "attribute_not_exists(#z)"
        return update(at, "SET #g = :log ADD #fk :less", known, {**values, "log": string(log)})

    async def _has_entries(self, head: Head) -> bool:
        first, last = keys.entry_range(head.session.log, START, END)
        async with aclosing(self._table.pages(head.partition, first, last, limit=1)) as pages:
            async for page in pages:
                return bool(page.items)
        return False

    async def holder(self, home: str, log: str) -> Item | None:
        """The item that counts the holds on a log."""
        items = await self._table.find(holder_keys(home, log))
        return pick_holder(items, log)

    async def _erase_items(self, partition: str, log: str, shared: bool) -> None:
        name = keys.log_name(log)
        unseen = (keys.HEAD_PIECE, keys.QUEUE, keys.CHUNK)  # by forks
        kinds = unseen if shared else (*unseen, keys.ENTRY, keys.ENTRY_PIECE)
        prefixes = tuple(f"{kind}#{name}#" for kind in kinds)
        params: dict[str, Any] = {"ConsistentRead": True, "ProjectionExpression": f"#{PARTITION}, #{SORT}, #g"}
        while True:
            page = await self._table.query(f"#{PARTITION} = :partition", {"partition": string(partition)}, **params)
            sorts = [item[SORT]["S"] for item in page.items]
            await self._table.erase_all([key(partition, sort) for sort in sorts if sort.startswith(prefixes)])
            used = [sort for sort in sorts if sort.startswith(f"{keys.IDEMPOTENCY}#")]
            await self._erase_keys(partition, log, used)
            if page.last is None:
                return
            params["ExclusiveStartKey"] = page.last

    async def _erase_keys(self, partition: str, log: str, sorts: list[str]) -> None:
        """Idempotency keys are found without knowing the log, so a new session of this id may have written over one."""
        at_once = asyncio.Semaphore(_KEYS_AT_ONCE)

        async def erase(sort: str) -> None:
            async with at_once:
                await self._table.write(delete(key(partition, sort), "#g = :log", {"log": string(log)}))

        await asyncio.gather(*map(erase, sorts))


def holder_keys(home: str, log: str) -> list[Item]:
    return [key(home, keys.HEAD), key(home, keys.remains(log))]


def pick_holder(items: list[Item], log: str) -> Item | None:
    """Of a head and remains, the one that counts the holds on this log."""
    for item in items:
        if item[SORT]["S"] == keys.remains(log) or (item[SORT]["S"] == keys.HEAD and item["g"]["S"] == log):
            return item
    return None


def _remains(head: Head) -> Item:
    item = {
        **key(head.partition, keys.remains(head.session.log)),
        "g": string(head.session.log),
        "fk": number(head.shares),
        "z": {"BOOL": True},
    }
    if head.held is not None and (home := head.home(head.held)) is not None:
        item |= {"h": string(head.held), "hp": string(home)}
    return item


def _name(session: Session, deleted: bool) -> Item:
    """For who follows the table's stream: whose end it is."""
    yes = {"BOOL": True}
    return {
        "k": string(write_json(list(session.key))),
        **({"sh": yes} if session.sharing else {}),
        **({"dl": yes} if deleted else {}),
    }
