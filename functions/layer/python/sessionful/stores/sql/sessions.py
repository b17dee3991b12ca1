"""Sessions as such: each function is one transaction's work."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select

from sessionful.domain.error import InvalidRequest
from sessionful.domain.lineage import START, forked, log_at, shared_logs, tip
from sessionful.domain.session import Position, Segment, Session, SessionChange, SessionKey
from sessionful.domain.turn import Entry
from sessionful.stores import heads
from sessionful.stores.sql import reading
from sessionful.stores.sql.access import head_of, live, locked_row, move, seen
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.erasing import erase
from sessionful.stores.sql.rows import counters, digest, new_head, profile
from sessionful.stores.sql.schema import HEADS, HOLDS, LOGS

_PUT_HEAD = insert(HEADS)
_PUT_LOG = insert(LOGS)
_PUT_HOLDS = insert(HOLDS)
_HELD = select(HOLDS.c.log).where(HOLDS.c.holder == bindparam("of_holder"))
_FOUND = select(HEADS).where(HEADS.c.session.in_(bindparam("of_sessions", expanding=True)))


def create(tx: Transaction, session: Session, entries: Sequence[Entry]) -> Session:
    done = _make_room(tx, session)
    return done or _enter(tx, session, entries)


def get(tx: Transaction, key: SessionKey) -> Session:
    head = head_of(tx, seen(tx, key))
    heads.check_live(head, tx.clock())
    return head


def head(tx: Transaction, key: SessionKey) -> Session:
    return head_of(tx, seen(tx, key))


def find(tx: Transaction, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
    wanted = [digest(owner, agent, session_id) for agent in dict.fromkeys(agents)]
    rows = {row.session: row for row in tx.connection.execute(_FOUND, {"of_sessions": wanted})}
    found = [head_of(tx, rows[name]) for name in wanted if name in rows]
    now = tx.clock()
    return [head for head in found if not head.expired(now)]


def change(tx: Transaction, key: SessionKey, change: SessionChange, if_version: int | None) -> Session:
    head = live(tx, key)
    heads.check_version(head, if_version)
    after = heads.changed(head, change)
    move(tx, head, {**counters(after), **profile(after)})
    return after


def delete(tx: Transaction, key: SessionKey, log: str | None) -> None:
    row = locked_row(tx, key)
    if row is not None and log in (None, row.log):
        erase(tx, row)
    elif not tx.again:
        raise heads.not_found(key)


def fork(tx: Transaction, source: SessionKey, at: Position | None, child: Session) -> Session:
    parent = live(tx, source)
    place = tip(parent) if at is None else at
    count, usage = parent.message_count, parent.usage
    if at is not None or place != START:
        log = log_at(parent, place)
        entry = None if log is None else reading.entry_at(tx, log, place)
        if entry is None:
            raise InvalidRequest("the session has no entry at this place", session_id=source.id, at=list(place))
        if place != tip(parent):
            count, usage = entry.message_count, entry.usage_total
    done = _make_room(tx, child)
    return done or _enter(tx, forked(parent, place, child, count, usage))


def rebase(
    tx: Transaction,
    key: SessionKey,
    past: Sequence[Segment],
    message_count: int,
    state: Mapping[str, Any] | None,
    if_version: int | None,
) -> Session:
    head = live(tx, key)
    heads.check_free(head, tx.clock(), queue_too=False)
    heads.check_version(head, if_version)
    after = heads.rebased(head, tuple(past), message_count, state)
    move(tx, head, {**counters(after), **profile(after)})
    # Logs once held stay held: a rewind may bring back what was hidden before.
    fresh = shared_logs(after) - shared_logs(head)
    if fresh:
        held = tx.connection.execute(_HELD, {"of_holder": after.log}).scalars()
        _hold(tx, after.log, fresh.difference(held))
    return after


def _make_room(tx: Transaction, session: Session) -> Session | None:
    """Erases an expired holder of the key; the session itself when an earlier try has entered it. Raises
    SessionExists."""
    row = locked_row(tx, session.key)
    if row is None:
        return None
    holder = head_of(tx, row)
    if tx.again and holder.log == session.log:
        return holder
    if not holder.expired(tx.clock()):
        raise heads.already_exists(session.key)
    erase(tx, row)
    return None


def _enter(tx: Transaction, session: Session, entries: Sequence[Entry] = ()) -> Session:
    tx.connection.execute(_PUT_LOG, {"log": session.log})
    _hold(tx, session.log, {session.log, *shared_logs(session)})
    tx.connection.execute(_PUT_HEAD, new_head(session))
    reading.put(tx, session.log, entries)
    return session


def _hold(tx: Transaction, holder: str, logs: Iterable[str]) -> None:
    rows = [{"log": log, "holder": holder} for log in sorted(logs)]
    if rows:
        tx.connection.execute(_PUT_HOLDS, rows)
