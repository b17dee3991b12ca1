"""Turns: admission, steps, the end, and the right to write them. Each function is one transaction's work."""

from sqlalchemy import bindparam, insert, select, update

from sessionful.domain.error import InvalidRequest
from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import RunningTurn, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, Entry, Lease, NewTurn, Window
from sessionful.stores import heads
from sessionful.stores.lineage import stretches
from sessionful.stores.sql import reading
from sessionful.stores.sql.access import drop_running, head_of, live, locked_row, move, present, put_running, seen_row
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import IDLE, AnyRow, Columns, counters, digest, read_head
from sessionful.stores.sql.schema import HEADS, KEYS

_H = HEADS.c
_KEY = select(KEYS.c.turn_id, KEYS.c.request_hash).where(
    KEYS.c.log == bindparam("of_log"), KEYS.c.digest == bindparam("of_digest")
)
_PUT_KEY = insert(KEYS)
_HELD = (
    _H.session == bindparam("of_session"),
    _H.log == bindparam("of_log"),
    _H.epoch == bindparam("of_epoch"),
    _H.running_turn.is_not(None),
)
_STEP = (
    update(HEADS)
    .where(
        *_HELD,
        (_H.last_turn < bindparam("at_turn"))
        | ((_H.last_turn == bindparam("at_turn")) & (_H.last_step < bindparam("at_step"))),
    )
    .values(
        version=_H.version + 1,
        last_turn=bindparam("at_turn"),
        last_step=bindparam("at_step"),
        message_count=bindparam("messages"),
        token_usage=bindparam("tokens"),
        lease_until=bindparam("until"),
    )
)
_RENEW = update(HEADS).where(*_HELD).values(lease_until=bindparam("until"))
_ASKED = select(_H.cancel_asked).where(_H.session == bindparam("of_session"))
_ASK = (
    update(HEADS)
    .where(_H.session == bindparam("of_session"), _H.running_turn == bindparam("of_turn"))
    .values(cancel_asked=True)
)


def begin(tx: Transaction, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached:
    head = live(tx, key)
    running = head.running
    if tx.again and running is not None and running.turn_id == new_turn_id(running.number, turn.nonce):
        return _admitted(tx, head, running, window)
    used = None if turn.idempotency_key is None else _used(tx, head.log, turn.idempotency_key)
    if used is not None:
        if used.request_hash != turn.request_hash:
            raise heads.key_conflict(str(turn.idempotency_key))
        return Attached(head, used.turn_id)
    now = tx.clock()
    heads.check_open(head)
    heads.check_free(head, now)
    after, running = heads.begun(head, turn, now)
    move(tx, head, {**counters(after), **put_running(tx, after.log, running)})
    if turn.idempotency_key is not None:
        used_for = {"turn_id": running.turn_id, "request_hash": turn.request_hash}
        tx.connection.execute(_PUT_KEY, {"log": after.log, "digest": digest(turn.idempotency_key), **used_for})
    return _admitted(tx, after, running, window)


def append(tx: Transaction, lease: Lease, entry: Entry, lease_until: int) -> None:
    place = entry.position
    step = {
        **_holder(lease),
        "at_turn": place.turn,
        "at_step": place.step,
        "messages": entry.message_count,
        "tokens": entry.usage_total.model_dump_json(),
        "until": lease_until,
    }
    if tx.connection.execute(_STEP, step).rowcount == 1:
        reading.put(tx, lease.log, [entry])
    elif not _done(tx, lease, entry):
        row = seen_row(tx, lease.key)
        if row is None or not _holds(lease, row):
            raise heads.lease_lost(lease)
        raise InvalidRequest("the log has an entry at this place or after it", position=list(place))


def settle(tx: Transaction, lease: Lease, entry: Entry) -> Session:
    row = locked_row(tx, lease.key)
    if row is None or not _holds(lease, row):
        if row is not None and row.log == lease.log and _done(tx, lease, entry):
            return head_of(tx, row)
        raise heads.lease_lost(lease)
    before = read_head(row, None)
    after = heads.appended(before, entry, None)
    reading.put(tx, lease.log, [entry], before.last)
    drop_running(tx, row)
    move(tx, before, {**counters(after), **IDLE})
    return after


def insert_entry(tx: Transaction, key: SessionKey, entry: Entry) -> Session:
    head = live(tx, key)
    now = tx.clock()
    heads.check_free(head, now)
    after, placed = heads.inserted(head, entry, now)
    reading.put(tx, head.log, [placed], head.last)
    move(tx, head, counters(after))
    return after


def renew(tx: Transaction, lease: Lease, lease_until: int) -> bool:
    if tx.connection.execute(_RENEW, {**_holder(lease), "until": lease_until}).rowcount != 1:
        raise heads.lease_lost(lease)
    return bool(tx.connection.execute(_ASKED, {"of_session": digest(*lease.key)}).scalar())


def take_over(tx: Transaction, key: SessionKey, lease_until: int) -> tuple[Lease, Session] | None:
    head = present(tx, key)
    running = head.running
    if running is None or running.lease_until > tx.clock():
        return None
    after, again = heads.taken_over(head, running, lease_until)
    move(tx, head, {**counters(after), "attempt": again.attempt, "lease_until": lease_until})
    return heads.lease_of(after, again), after


def ask_cancel(tx: Transaction, key: SessionKey, turn: int) -> None:
    of_session = digest(*key)
    if not tx.connection.execute(_ASK, {"of_session": of_session, "of_turn": turn}).rowcount:
        _expect(tx, key)


def turn_for(tx: Transaction, key: SessionKey, idempotency_key: str) -> str | None:
    used = _used(tx, _expect(tx, key).log, idempotency_key)
    return None if used is None else str(used.turn_id)


def _admitted(tx: Transaction, head: Session, running: RunningTurn, window: Window) -> Admitted:
    seen = stretches(head)
    if head.last.turn <= head.own_after:  # nothing of its own yet, so there is no need to look
        seen.pop()
    return Admitted(heads.lease_of(head, running), head, reading.newest(tx, seen, window))


def _used(tx: Transaction, log: str, idempotency_key: str) -> AnyRow | None:
    return tx.connection.execute(_KEY, {"of_log": log, "of_digest": digest(idempotency_key)}).one_or_none()


def _expect(tx: Transaction, key: SessionKey) -> AnyRow:
    row = seen_row(tx, key)
    if row is None:
        raise heads.not_found(key)
    return row


def _holder(lease: Lease) -> Columns:
    return {"of_session": digest(*lease.key), "of_log": lease.log, "of_epoch": lease.epoch}


def _holds(lease: Lease, row: AnyRow) -> bool:
    return row.running_turn is not None and (row.log, row.epoch) == (lease.log, lease.epoch)


def _done(tx: Transaction, lease: Lease, entry: Entry) -> bool:
    """Whether an earlier try, whose answer was lost, has stored this entry."""
    return tx.again and reading.entry_at(tx, lease.log, entry.position) == entry
