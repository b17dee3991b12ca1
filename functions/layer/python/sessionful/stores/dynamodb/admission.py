"""Admission of a turn: with nothing to look up first, one write and one read side by side."""

import asyncio
import contextlib
from dataclasses import replace

from sessionful.domain.error import AgentError, RateLimited, SessionBusy, StoreUnavailable
from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import RunningTurn, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, Entry, NewTurn, Queued, Window
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Page, Table, Updated
from sessionful.stores.dynamodb.actions import Action, Attribute, Item, key, number, string, update
from sessionful.stores.dynamodb.asked import write_asked_text
from sessionful.stores.dynamodb.calls import crowded, pause
from sessionful.stores.dynamodb.codec import NEVER_MS, NEVER_SECONDS, RUNNING, Head, move
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.packing import MESSAGE_BYTES, pack
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.queue import Queue
from sessionful.stores.dynamodb.reading import Entries
from sessionful.stores.dynamodb.table import EXPIRY, PARTITION, SORT
from sessionful.stores.dynamodb.used_keys import attached, use_key

_TRIES = 40
_LONG_MESSAGE = 100_000

_FREE = (
    f"attribute_exists(#{PARTITION}) AND attribute_not_exists(#rt) AND attribute_not_exists(#q)"
    " AND attribute_not_exists(#en)"
    " AND (attribute_not_exists(#ix) OR #ix > :now) AND (attribute_not_exists(#hx) OR #hx > :now)"
)
_BEGIN = (
    "SET #n = #n + :one, #e = #e + :one, #v = #v + :one, #u = :now, #rt = #n + :one, #rn = :nonce, #ra = :one,"
    " #rg = :agent, #rm = :message, #rl = :until, #ix = if_not_exists(#ti, :never) + :now,"
    f" #{EXPIRY} = if_not_exists(#ts, :long) + :second"
)


class Admission:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads, entries: Entries, held: Held, queue: Queue) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._entries = entries
        self._held = held
        self._queue = queue

    async def begin(self, session: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        text = write_asked_text(turn)
        if turn.idempotency_key is None and len(text) < _LONG_MESSAGE:
            packed = pack(text, MESSAGE_BYTES, keys.partition(session), keys.HEAD_PIECE, "")
            if not packed.pieces:
                try:
                    return await self._at_once(session, turn, packed.attribute, window)
                except SessionBusy:
                    if not turn.wait:
                        raise
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
    ) -> Admitted | Attached | Queued:
        """For what a blind write cannot do: see whether the key was used, store a long message in pieces, and queue."""
        stored: tuple[Head, Attribute] | None = None
        for tries in range(_TRIES):
            try:
                head, used, page = await self._look(session, turn, window)
                before = _admissible(head.session, turn, used, self._heads.clock())
            except AgentError:
                await self._drop(stored)
                raise
            if before is not None:
                await self._drop(stored)
                return before
            if stored is None or stored[0].session.log != head.session.log:
                await self._drop(stored)
                stored = head, await self._pieces.put(self._heads.place(head), text, MESSAGE_BYTES)
            if turn.wait and _taken(head.session):
                done: Admitted | Queued | None = await self._queue.enqueue(head, turn, stored[1])
            else:
                past = await self._entries.window(head, window, page)
                done = await self._admit(head, turn, stored[1], past)
            if done is not None:
                return done
            await pause(tries // 4)
        await self._drop(stored)
        raise crowded()

    async def _admit(self, head: Head, turn: NewTurn, message: Attribute, past: list[Entry]) -> Admitted | None:
        """None when somebody has moved the head."""
        session, running = heads.begun(head.session, turn, self._heads.clock())
        after, keys_used = use_key(replace(head, session=session, message=message), running)
        refused = await self._table.write(move(head, after), *keys_used)
        return self._held.admit(after, running, past) if refused is None or _ours(refused[0] or {}, turn) else None

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


def _admissible(session: Session, turn: NewTurn, used: Item | None, now: int) -> Attached | None:
    """The turn that the idempotency key was `used` for before, if it was; else raises what stands in the way."""
    heads.check_live(session, now)
    if used is not None:
        return attached(session, used, turn)
    heads.check_open(session)
    if not (turn.wait and _taken(session)):
        heads.check_free(session, now)
    return None


def _taken(session: Session) -> bool:
    return session.running is not None or session.queued > 0


def _ours(item: Item, turn: NewTurn) -> bool:
    """Whether this is the head as our own write left it, the answer to which was lost."""
    return "rt" in item and item["rn"]["S"] == turn.nonce
