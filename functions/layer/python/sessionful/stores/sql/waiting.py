"""The queue as rows: each turn that waits has one, until it is admitted."""

from sqlalchemy import bindparam, delete, insert, select, update

from sessionful.domain.session import QueuedTurn, SessionKey
from sessionful.stores import heads
from sessionful.stores.sql import pieces
from sessionful.stores.sql.access import head_of, seen
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.rows import AnyRow, written
from sessionful.stores.sql.schema import QUEUE

_Q = QUEUE.c
_PUT = insert(QUEUE)
_ALL = select(QUEUE).where(_Q.log == bindparam("of_log")).order_by(_Q.turn)
_OLDEST = _ALL.limit(1)
_ONE = (_Q.log == bindparam("of_log"), _Q.turn == bindparam("of_turn"))
_DROP = delete(QUEUE).where(*_ONE)
_DROP_ALL = delete(QUEUE).where(_Q.log == bindparam("of_log"))
_ASK = update(QUEUE).where(*_ONE).values(cancel_asked=True)


def queued(tx: Transaction, key: SessionKey) -> list[QueuedTurn]:
    row = seen(tx, key)
    heads.check_live(head_of(tx, row), tx.clock())
    return read(tx, row.log) if row.queued else []


def read(tx: Transaction, log: str) -> list[QueuedTurn]:
    """The turns that wait, the next one first."""
    return [_turn(tx, row) for row in tx.connection.execute(_ALL, {"of_log": log}).all()]


def put(tx: Transaction, log: str, turn: QueuedTurn) -> None:
    inline, rest = pieces.cut(written(turn), pieces.PIECE)
    pieces.put(tx, log, pieces.waits_at(turn.number), rest)
    row = {"turn": turn.number, "cancel_asked": turn.cancel_asked, "pieces": len(rest), "payload": inline}
    tx.connection.execute(_PUT, {"log": log, **row})


def take_oldest(tx: Transaction, log: str) -> QueuedTurn:
    """The turn that waits longest, which waits no more. The session's row has to be locked, and to say that there is
    one."""
    row = tx.connection.execute(_OLDEST, {"of_log": log}).one_or_none()
    if row is None:
        raise Moved
    turn = _turn(tx, row)
    if row.pieces:
        pieces.drop(tx, log, pieces.waits_at(row.turn))
    tx.connection.execute(_DROP, {"of_log": log, "of_turn": row.turn})
    return turn


def ask_cancel(tx: Transaction, log: str, turn: int) -> None:
    tx.connection.execute(_ASK, {"of_log": log, "of_turn": turn})


def drop_all(tx: Transaction, log: str) -> None:
    tx.connection.execute(_DROP_ALL, {"of_log": log})


def _turn(tx: Transaction, row: AnyRow) -> QueuedTurn:
    document = pieces.join(tx, row.log, pieces.waits_at(row.turn), row.payload, row.pieces)
    return QueuedTurn.model_validate_json(document).model_copy(update={"cancel_asked": row.cancel_asked})
