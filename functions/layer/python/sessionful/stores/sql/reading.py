"""Reading entries: always a range of the primary key, never more of it than was asked for."""

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, bindparam, func, insert, or_, select

from sessionful.domain.error import InvalidRequest
from sessionful.domain.lineage import LAST_NUMBER, START, Stretch
from sessionful.domain.session import Position
from sessionful.domain.turn import Entry, Window
from sessionful.stores.sql import pieces
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.rows import AnyRow, read_entries, written
from sessionful.stores.sql.schema import ENTRIES

_E = ENTRIES.c
_WITHIN = and_(
    _E.log == bindparam("in_log"),
    _E.turn >= bindparam("low_turn"),
    or_(_E.turn > bindparam("low_turn"), _E.step > bindparam("low_step")),
    _E.turn <= bindparam("high_turn"),
    or_(_E.turn < bindparam("high_turn"), _E.step <= bindparam("high_step")),
)
_FIELDS = (_E.log, _E.turn, _E.step, _E.size, _E.pieces, _E.payload)
_OLDEST = select(*_FIELDS).where(_WITHIN).order_by(_E.turn, _E.step).limit(bindparam("most"))
_NEWEST = select(*_FIELDS).where(_WITHIN).order_by(_E.turn.desc(), _E.step.desc()).limit(bindparam("most"))
_PUT = insert(ENTRIES)
_IN_FILE = -1

# The window in one statement: of the newest entries the sizes first, summed from the newest on, and the payloads only
# of those before which the sum is not full yet.
_sizes = (
    select(_E.turn, _E.step, _E.size)
    .where(_WITHIN)
    .order_by(_E.turn.desc(), _E.step.desc())
    .limit(bindparam("most"))
    .subquery("sizes")
)
_total = func.sum(_sizes.c.size).over(order_by=(_sizes.c.turn.desc(), _sizes.c.step.desc()))
_sums = select(
    _sizes.c.turn,
    _sizes.c.step,
    (_total - _sizes.c.size).label("newer"),
).subquery("sums")
_WINDOW = (
    select(*_FIELDS)
    .join_from(_sums, ENTRIES, and_(_E.turn == _sums.c.turn, _E.step == _sums.c.step))
    .where(_E.log == bindparam("in_log"), _sums.c.newer < bindparam("bytes_left"))
    .order_by(_E.turn.desc(), _E.step.desc())
)


def newest(tx: Transaction, stretches: Sequence[Stretch], window: Window) -> list[Entry]:
    """The newest entries that fill the window, oldest first; at least one when there is any."""
    found: list[AnyRow] = []
    size = 0
    for stretch in reversed(stretches):
        limits = {"most": max(window.entries, 1) - len(found), "bytes_left": max(window.bytes, 1) - size}
        rows = tx.connection.execute(_WINDOW, {**_range(stretch), **limits}).all()
        found.extend(rows)
        size += sum(row.size for row in rows)
        if len(found) >= window.entries or size >= window.bytes:
            break
    return _entries(tx, found[::-1])


def read(tx: Transaction, stretches: Sequence[Stretch], limit: int, newest_first: bool = False) -> list[Entry]:
    found: list[AnyRow] = []
    statement = _NEWEST if newest_first else _OLDEST
    for stretch in reversed(stretches) if newest_first else stretches:
        if len(found) >= limit:
            break
        found.extend(tx.connection.execute(statement, {**_range(stretch), "most": limit - len(found)}).all())
    return _entries(tx, found)


def entry_at(tx: Transaction, log: str, place: Position) -> Entry | None:
    before = Position(place.turn, place.step - 1)
    return next(iter(read(tx, [Stretch(log, before, place)], limit=1)), None)


def put(tx: Transaction, log: str, entries: Iterable[Entry], last: Position = START) -> None:
    """Stores entries after `last`. Raises InvalidRequest when one is not behind the one before it."""
    rows = []
    for entry in entries:
        if not last < entry.position:
            raise InvalidRequest("the log has an entry at this place or after it", position=list(entry.position))
        last = entry.position
        payload = written(entry)
        size = len(payload) if payload.isascii() else len(payload.encode())
        inline, count = _laid_down(tx, log, last, payload, size)
        place = {"log": log, "turn": last.turn, "step": last.step}
        rows.append({**place, "size": size, "pieces": count, "payload": inline})
    if rows:
        tx.connection.execute(_PUT, rows)


def _entries(tx: Transaction, rows: Sequence[AnyRow]) -> list[Entry]:
    return read_entries([_payload(tx, row) if row.pieces else row.payload for row in rows])


def _laid_down(tx: Transaction, log: str, place: Position, payload: str, size: int) -> tuple[str, int]:
    """What the entry's row says: the payload, or where it is."""
    if tx.beside.takes(size):
        return tx.beside.put(log, payload), _IN_FILE
    inline, rest = pieces.cut(payload, pieces.PIECE)
    pieces.put(tx, log, place, rest)
    return inline, len(rest)


def _payload(tx: Transaction, row: AnyRow) -> str:
    if row.pieces == _IN_FILE:
        text = tx.beside.get(row.payload)
        if text is None:  # erased since the row was read
            raise Moved
        return text
    return pieces.join(tx, row.log, Position(row.turn, row.step), row.payload, row.pieces)


def _range(stretch: Stretch) -> dict[str, str | int]:
    low, high = stretch.low, stretch.high
    if low.step >= LAST_NUMBER:  # all of that turn is out: then it need not even be looked at
        low = Position(low.turn + 1, 0)
    return {
        "in_log": stretch.log,
        "low_turn": _bounded(low.turn),
        "low_step": _bounded(low.step),
        "high_turn": _bounded(high.turn),
        "high_step": _bounded(high.step),
    }


def _bounded(number: int) -> int:
    # No position lies beyond these, but a caller's question may.
    return max(-1, min(number, LAST_NUMBER + 1))
