"""What a turn stores: its steps, its end, and what is put in by hand. Each function is one transaction's work."""

from sqlalchemy import bindparam, update

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Entry, Lease
from sessionful.stores import heads
from sessionful.stores.sql import groups, reading
from sessionful.stores.sql.access import drop_running, head_of, live, locked_row, move, seen_row
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.fence import HELD, holder, holds
from sessionful.stores.sql.rows import IDLE, Columns, counters, profile, read_head
from sessionful.stores.sql.schema import HEADS

_H = HEADS.c
_STEP = (
    update(HEADS)
    .where(
        *HELD,
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
        flushed=0,
    )
)


def append(tx: Transaction, lease: Lease, entry: Entry, lease_until: int) -> None:
    place = entry.position
    step = {
        **holder(lease),
        "at_turn": place.turn,
        "at_step": place.step,
        "messages": entry.message_count,
        "tokens": entry.usage_total.model_dump_json(),
        "until": lease_until,
    }
    if tx.connection.execute(_STEP, step).rowcount == 1:
        reading.put(tx, lease.log, [entry])
        groups.drop(tx, lease.log)
    elif not _done(tx, lease, entry):
        row = seen_row(tx, lease.key)
        if row is None or not holds(lease, row):
            raise heads.lease_lost(lease)
        raise InvalidRequest("the log has an entry at this place or after it", position=list(place))


def settle(tx: Transaction, lease: Lease, entry: Entry) -> Session:
    row = locked_row(tx, lease.key)
    if row is None or not holds(lease, row):
        if row is not None and row.log == lease.log and _done(tx, lease, entry):
            return head_of(tx, row)
        raise heads.lease_lost(lease)
    before = read_head(row, None)
    moved, stated = heads.stated(before, entry)
    after = heads.appended(moved, stated, None)
    reading.put(tx, lease.log, [stated], before.last)
    drop_running(tx, row)
    if row.flushed:
        groups.drop(tx, lease.log)
    move(tx, before, {**_moved(before, after), **IDLE})
    return after


def insert_entry(tx: Transaction, key: SessionKey, entry: Entry) -> Session:
    head = live(tx, key)
    if tx.again and _inserted(tx, head, entry):
        return head
    now = tx.clock()
    heads.check_free(head, now)
    after, placed = heads.inserted(head, entry, now)
    reading.put(tx, head.log, [placed], head.last)
    move(tx, head, _moved(head, after))
    return after


def _moved(before: Session, after: Session) -> Columns:
    """The columns of a turn's end: the state's whereabouts are in the profile, which else stays as it is."""
    return {**counters(after), **(profile(after) if before.state_moved else {})}


def _done(tx: Transaction, lease: Lease, entry: Entry) -> bool:
    """Whether an earlier try, whose answer was lost, has stored this entry."""
    stored = reading.entry_at(tx, lease.log, entry.position) if tx.again else None
    # What the store has added of the state is not the caller's.
    return stored is not None and stored.model_copy(update={"state": None, "state_at": None}) == entry


def _inserted(tx: Transaction, head: Session, entry: Entry) -> bool:
    """Whether an earlier try, whose answer was lost, has put this entry in: its turn's id ends with the same nonce."""
    last = reading.entry_at(tx, head.log, head.last)
    return last is not None and last.turn_id.rpartition("_")[2] == entry.turn_id.rpartition("_")[2]
