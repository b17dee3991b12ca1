"""Admission of a turn: with nothing to look up first, one write and one read side by side."""

import asyncio
import contextlib
from dataclasses import replace

from sessionful.domain.error import AgentError, RateLimited, StoreUnavailable
from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import RunningTurn, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, NewTurn, Window
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Page, Table, Updated
from sessionful.stores.dynamodb.actions import ABSENT, Action, Attribute, Item, key, number, put, string, update
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import NEVER_MS, NEVER_SECONDS, RUNNING, Head, move
from sessionful.stores.dynamodb.entries import write_json, write_message
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.marks import marked
from sessionful.stores.dynamodb.packing import MESSAGE_BYTES, pack
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.reading import Entries
from sessionful.stores.dynamodb.table import EXPIRY, PARTITION, SORT

_TRIES = 12
_LONG_MESSAGE = 100_000

_FREE = (
    f"attribute_exists(#{PARTITION}) AND attribute_not_exists(#rt) AND attribute_not_exists(#en)"
    " AND (attribute_not_exists(#ix) OR #ix > :now) AND (attribute_not_exists(#hx) OR #hx > :now)"
)
_BEGIN = (
    "SET #n = #n + :one, #e = #e + :one, #v = #v + :one, #u = :now, #rt = #n + :one, #rn = :nonce, #ra = :one,"
    " #rg = :agent, #rm = :message, #rl = :until, #ix = if_not_exists(#ti, :never) + :now,"
    f" #{EXPIRY} = if_not_exists(#ts, :long) + :second"
)


class Admission:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads, entries: Entries, held: Held) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._entries = entries
        self._held = held

    async def begin(self, session: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached:
        text = write_json(write_message(turn.message))
        if turn.idempotency_key is None and len(text) < _LONG_MESSAGE:
            packed = pack(text, MESSAGE_BYTES, keys.partition(session), keys.HEAD_PIECE, "")
            if not packed.pieces:
                return await self._at_once(session, turn, packed.attribute, window)
        return await self._looking_first(session, turn, text, window)

    async def _at_once(self, session: SessionKey, turn: NewTurn, message: Attribute, window: Window) -> Admitted:
        now = self._heads.clock()
        updated, page = await asyncio.gather(
            self._table.update(_begin(session, turn, message, now)),
            self._entries.newest(session, window),
            return_exceptions=True,
        )
        if isinstance(updated, BaseException):
            raise updated
        if not updated.done and not _ours(updated.item, turn):
            raise await self._refusal(session, updated.item, now)
        try:
            if isinstance(page, BaseException):
                raise page
            head, running = await self._admitted(session, turn, updated)
            past = await self._entries.window(head, window, page)
        except (RateLimited, StoreUnavailable):
            await self._withdraw(session, updated.item)
            raise
        return self._held.admit(head, running, past)

    async def _admitted(self, session: SessionKey, turn: NewTurn, updated: Updated) -> tuple[Head, RunningTurn]:
        (head,) = await self._heads.read([updated.item])
        if head is None:  # its settings were changed meanwhile
            head = await self._heads.find(session)
        running = None if head is None else head.session.running
        if head is None or running is None or running.turn_id != new_turn_id(running.number, turn.nonce):
            raise StoreUnavailable("the session was taken away while its turn began")
        return head, running

    async def _refusal(self, session: SessionKey, item: Item, now: int) -> AgentError:
        """Why the head did not admit: told from the item that refused, without another read."""
        found = await self._heads.whole([item] if item else [])
        if not found:
            return heads.not_found(session)
        try:
            heads.check_live(found[0].session, now)
            heads.check_open(found[0].session)
            heads.check_free(found[0].session, now)
        except AgentError as error:
            return error
        return StoreUnavailable("the session changes faster than it can be read")

    async def _withdraw(self, session: SessionKey, item: Item) -> None:
        """Free a session whose turn nobody will run: its number is left out, as if it had never been given."""
        freed = f"SET #v = #v + :one REMOVE {', '.join(f'#{name}' for name in RUNNING)}"
        values = {"one": number(1), "log": item["g"], "epoch": item["e"], "turn": item["rt"]}
        condition = "#g = :log AND #e = :epoch AND #rt = :turn"
        with contextlib.suppress(RateLimited, StoreUnavailable):
            await self._table.write(update(key(keys.partition(session), keys.HEAD), freed, condition, values))

    async def _looking_first(
        self, session: SessionKey, turn: NewTurn, text: str, window: Window
    ) -> Admitted | Attached:
        """For what a blind write cannot do: see whether the key was used, and store a long message in pieces."""
        stored: tuple[Head, Attribute] | None = None
        for tries in range(_TRIES):
            head, used, page = await self._look(session, turn, window)
            now = self._heads.clock()
            try:
                attached = _admissible(head.session, turn, used, now)
            except AgentError:
                await self._drop(stored)
                raise
            if attached is not None:
                await self._drop(stored)
                return attached
            if stored is None or stored[0].session.log != head.session.log:
                await self._drop(stored)
                stored = head, await self._pieces.put(self._heads.place(head), text, MESSAGE_BYTES)
            past = await self._entries.window(head, window, page)
            after, running, actions = _writes(head, stored[1], turn, now)
            refused = await self._table.write(*actions)
            if refused is None or _ours(refused[0] or {}, turn):
                return self._held.admit(after, running, past)
            await pause(tries)
        await self._drop(stored)
        raise crowded()

    async def _drop(self, stored: tuple[Head, Attribute] | None) -> None:
        """Erase a message that surely was not admitted: after a lost answer it may well have been."""
        if stored is not None:
            await self._heads.drop(*stored)

    async def _look(self, session: SessionKey, turn: NewTurn, window: Window) -> tuple[Head, Item | None, Page]:
        partition = keys.partition(session)
        wanted = [key(partition, keys.HEAD)]
        if turn.idempotency_key is not None:
            wanted.append(key(partition, keys.idempotency(turn.idempotency_key)))
        items, page = await asyncio.gather(self._table.find(wanted), self._entries.newest(session, window))
        found = {item[SORT]["S"]: item for item in items}
        head_item = found.pop(keys.HEAD, None)
        whole = await self._heads.whole([head_item] if head_item else [])
        if not whole:
            raise heads.not_found(session)
        used = next((item for item in found.values() if item["g"]["S"] == whole[0].session.log), None)
        return whole[0], used, page


def _begin(session: SessionKey, turn: NewTurn, message: Attribute, now: int) -> Action:
    values = {
        "one": number(1),
        "now": number(now),
        "second": number(now // 1000),
        "nonce": string(turn.nonce),
        "agent": string(turn.agent),
        "message": message,
        "until": number(now + turn.lease_ms),
        "never": number(NEVER_MS),
        "long": number(NEVER_SECONDS),
    }
    expression = _BEGIN
    if turn.request_hash is not None:
        expression += ", #rh = :hash"
        values["hash"] = string(turn.request_hash)
    return update(key(keys.partition(session), keys.HEAD), expression, _FREE, values)


def _writes(head: Head, message: Attribute, turn: NewTurn, now: int) -> tuple[Head, RunningTurn, list[Action]]:
    """The head after admission, and what makes it so."""
    session, running = heads.begun(head.session, turn, now)
    after = replace(head, session=session, message=message)
    if turn.idempotency_key is None:
        return after, running, [move(head, after)]
    after, mark = marked(after, session)
    return after, running, [move(head, after), _key_used(after, turn, running, mark)]


def _key_used(head: Head, turn: NewTurn, running: RunningTurn, mark: Item) -> Action:
    item = {
        **key(head.partition, keys.idempotency(str(turn.idempotency_key))),
        **mark,
        "g": string(head.session.log),
        "n": string(running.turn_id),
    }
    if turn.request_hash is not None:
        item["h"] = string(turn.request_hash)
    # A session that was deleted may have left the same key for a moment.
    return put(item, f"{ABSENT} OR #g <> :log", {"log": item["g"]})


def _admissible(session: Session, turn: NewTurn, used: Item | None, now: int) -> Attached | None:
    """The turn that the idempotency key was `used` for before, if it was; else raises what stands in the way."""
    heads.check_live(session, now)
    if used is not None:
        if used.get("h", {}).get("S") != turn.request_hash:
            raise heads.key_conflict(str(turn.idempotency_key))
        return Attached(session, used["n"]["S"])
    heads.check_open(session)
    heads.check_free(session, now)
    return None


def _ours(item: Item, turn: NewTurn) -> bool:
    """Whether this is the head as our own write left it, the answer to which was lost."""
    return "rt" in item and item["rn"]["S"] == turn.nonce
