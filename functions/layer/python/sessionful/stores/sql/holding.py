"""The right to write a turn while it runs: kept with each flush, looked at, given away, taken over."""

from sqlalchemy import bindparam, select, update

from sessionful.domain.session import SessionKey
from sessionful.domain.turn import Group, Lease, Taken, Watched
from sessionful.stores import heads
from sessionful.stores.sql import groups, waiting
from sessionful.stores.sql.access import head_of, locked, move, seen
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.fence import HELD, holder, holds
from sessionful.stores.sql.rows import AnyRow, counters, digest, held
from sessionful.stores.sql.schema import GROUPS, HEADS

_H = HEADS.c
_LEASE = select(_H.log, _H.epoch, _H.running_turn, _H.cancel_asked, _H.queued, _H.told, _H.flushed).where(
    _H.session == bindparam("of_session")
)
_LOCKED_LEASE = _LEASE.with_for_update()
_KEEP = (
    update(HEADS)
    .where(*HELD)
    .values(lease_until=bindparam("until"), told=bindparam("so_far"), flushed=bindparam("kept"))
)
_RELEASE = update(HEADS).where(*HELD).values(lease_until=0, released=True)
_ASK = update(HEADS).where(_H.session == bindparam("of_session")).values(cancel_asked=True)
_FLUSHED = (
    select(_H.log, _H.version, _H.lease_until, GROUPS.c.number, GROUPS.c.payload)
    .join_from(HEADS, GROUPS, GROUPS.c.log == _H.log, isouter=True)
    .where(_H.session == bindparam("of_session"))
    .order_by(GROUPS.c.number, GROUPS.c.piece)
)


def flush(tx: Transaction, lease: Lease, group: Group | None, lease_until: int) -> bool:
    row = tx.connection.execute(_LOCKED_LEASE, {"of_session": digest(*lease.key)}).one_or_none()
    if row is None or not holds(lease, row):
        raise heads.lease_lost(lease)
    told, flushed = row.told or 0, row.flushed or 0
    if group is not None and group.number > told:
        if flushed and not told:  # what is there is a former holder's
            groups.drop(tx, lease.log)
            flushed = 0
        groups.put(tx, lease.log, group)
        told, flushed = group.number, flushed + 1
    tx.connection.execute(_KEEP, {**holder(lease), "until": lease_until, "so_far": told, "kept": flushed})
    return bool(row.cancel_asked)


def peek(tx: Transaction, lease: Lease) -> bool:
    row = tx.connection.execute(_LEASE, {"of_session": digest(*lease.key)}).one_or_none()
    if row is None or not holds(lease, row):
        raise heads.lease_lost(lease)
    return bool(row.cancel_asked)


def release(tx: Transaction, lease: Lease) -> None:
    # Where the answer of an earlier try was lost, whoever was waiting may have taken the turn already.
    if tx.connection.execute(_RELEASE, holder(lease)).rowcount != 1 and not tx.again:
        raise heads.lease_lost(lease)


def take_over(tx: Transaction, key: SessionKey, lease_until: int, call: str) -> Taken | None:
    row, head = locked(tx, key)
    running = head.running
    if running is None:
        return None
    if tx.again and row.taken_by == call:
        return Taken(heads.lease_of(head, running), head, _flushed(tx, row))
    if running.lease_until > tx.clock():
        return None
    after, again = heads.taken_over(head, running, lease_until)
    move(tx, head, {**counters(after), **held(again, call)})
    return Taken(heads.lease_of(after, again), after, _flushed(tx, row))


def watch(tx: Transaction, key: SessionKey) -> Watched:
    row = seen(tx, key)
    head = head_of(tx, row)
    heads.check_live(head, tx.clock())
    if not row.flushed:
        return Watched(head, [])
    # One statement sees one moment, on every database; whether it is the head's own moment is what it tells besides.
    found = tx.connection.execute(_FLUSHED, {"of_session": row.session}).all()
    if not found or found[0][:3] != (row.log, row.version, row.lease_until):
        raise Moved
    return Watched(head, groups.texts(found))


def ask_cancel(tx: Transaction, key: SessionKey, turn: int) -> None:
    # Locked, because a turn that waits may be admitted between the two looks.
    of_session = {"of_session": digest(*key)}
    row = tx.connection.execute(_LOCKED_LEASE, of_session).one_or_none()
    if row is None:
        raise heads.not_found(key)
    if row.running_turn == turn:
        tx.connection.execute(_ASK, of_session)
    elif row.queued:
        waiting.ask_cancel(tx, row.log, turn)


def _flushed(tx: Transaction, row: AnyRow) -> list[str]:
    return groups.read(tx, row.log) if row.flushed else []
