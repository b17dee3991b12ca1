"""Admission: a turn begins, waits, or is known already. Each function is one transaction's work; `call` names the call
it works for, so that a later try knows what an earlier one has done."""

from sqlalchemy import bindparam, insert, select

from sessionful.domain.lineage import stretches
from sessionful.domain.session import QueuedTurn, RunningTurn, Session, SessionKey
from sessionful.domain.turn import Admitted, Attached, NewTurn, Queued, Window
from sessionful.stores import heads
from sessionful.stores.sql import reading, waiting
from sessionful.stores.sql.access import locked, move, put_running, seen
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow, counters, digest
from sessionful.stores.sql.schema import KEYS

_KEY = select(KEYS.c.turn_id, KEYS.c.request_hash).where(
    KEYS.c.log == bindparam("of_log"), KEYS.c.digest == bindparam("of_digest")
)
_PUT_KEY = insert(KEYS)
_NEWEST = 20
"""More entries than are stored while a lost answer is waited for."""


def begin(tx: Transaction, key: SessionKey, turn: NewTurn, window: Window, call: str) -> Admitted | Attached | Queued:
    row, head = locked(tx, key)
    now = tx.clock()
    heads.check_live(head, now)
    if tx.again and head.running is not None and row.taken_by == call:
        return _admitted(tx, head, head.running, window)
    if known := _known(tx, head, turn):
        return known
    heads.check_open(head)
    if turn.wait and (head.running is not None or head.queued):
        return _enqueued(tx, head, turn, now)
    heads.check_free(head, now)
    after, running = heads.begun(head, turn, now)
    move(tx, head, {**counters(after), **put_running(tx, after.log, running, call)})
    if turn.idempotency_key is not None:
        _put_key(tx, after.log, digest(turn.idempotency_key), running)
    return _admitted(tx, after, running, window)


def begin_next(tx: Transaction, key: SessionKey, lease_ms: int, window: Window, call: str) -> Admitted | None:
    row, head = locked(tx, key)
    now = tx.clock()
    heads.check_live(head, now)
    if tx.again and head.running is not None and row.taken_by == call:
        return _admitted(tx, head, head.running, window)
    if head.running is not None or not head.queued:
        return None
    waited = waiting.take_oldest(tx, head.log)
    after, running = heads.promoted(head, waited, now, lease_ms)
    move(tx, head, {**counters(after), **put_running(tx, after.log, running, call)})
    return _admitted(tx, after, running, window)


def turn_for(tx: Transaction, key: SessionKey, idempotency_key: str) -> str | None:
    used = _used(tx, seen(tx, key).log, digest(idempotency_key))
    return None if used is None else str(used.turn_id)


def _enqueued(tx: Transaction, head: Session, turn: NewTurn, now: int) -> Queued:
    after, waits = heads.enqueued(head, turn, now)
    waiting.put(tx, after.log, waits)
    move(tx, head, counters(after))
    if turn.idempotency_key is not None:
        _put_key(tx, after.log, digest(turn.idempotency_key), waits)
    return Queued(after, waits.turn_id)


def _known(tx: Transaction, head: Session, turn: NewTurn) -> Attached | Queued | None:
    if tx.again and turn.wait and (turn_id := _waited(tx, head, turn)):
        return Queued(head, turn_id)
    used = None if turn.idempotency_key is None else _used(tx, head.log, digest(turn.idempotency_key))
    if used is None:
        return None
    if used.request_hash != turn.request_hash:
        raise heads.key_conflict(str(turn.idempotency_key))
    return Attached(head, used.turn_id)


def _waited(tx: Transaction, head: Session, turn: NewTurn) -> str | None:
    """The id that an earlier try, whose answer was lost, has given a turn that waits, or waited: others may have
    admitted it by now, and even have ended it."""
    ids = [one.turn_id for one in waiting.read(tx, head.log)]
    if head.running is not None:
        ids.append(head.running.turn_id)
    ids += [entry.turn_id for entry in reading.read(tx, stretches(head), _NEWEST, newest_first=True)]
    return next((one for one in ids if one.endswith(f"_{turn.nonce}")), None)


def _used(tx: Transaction, log: str, mark: str) -> AnyRow | None:
    return tx.connection.execute(_KEY, {"of_log": log, "of_digest": mark}).one_or_none()


def _put_key(tx: Transaction, log: str, mark: str, turn: RunningTurn | QueuedTurn) -> None:
    used_for = {"turn_id": turn.turn_id, "request_hash": turn.request_hash}
    tx.connection.execute(_PUT_KEY, {"log": log, "digest": mark, **used_for})


def _admitted(tx: Transaction, head: Session, running: RunningTurn, window: Window) -> Admitted:
    visible = stretches(head)
    if head.last.turn <= head.own_after:  # nothing of its own yet, so there is no need to look
        visible.pop()
    return Admitted(heads.lease_of(head, running), head, reading.newest(tx, visible, window))
