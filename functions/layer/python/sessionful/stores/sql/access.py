"""Getting at a head: seen, locked, moved. A head is written only by a transaction that holds its row's lock."""

from sqlalchemy import bindparam, select, update

from sessionful.domain.session import RunningTurn, Session, SessionKey
from sessionful.stores import heads
from sessionful.stores.sql import pieces
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.rows import AnyRow, Columns, digest, read_head, running, written
from sessionful.stores.sql.schema import HEADS

_SEEN = select(HEADS).where(HEADS.c.session == bindparam("of_session"))
_LOCKED = _SEEN.with_for_update()
_MOVE = update(HEADS).where(HEADS.c.session == bindparam("of_session"), HEADS.c.version == bindparam("of_version"))


def seen_row(tx: Transaction, key: SessionKey) -> AnyRow | None:
    return tx.connection.execute(_SEEN, {"of_session": digest(*key)}).one_or_none()


def locked_row(tx: Transaction, key: SessionKey) -> AnyRow | None:
    """The row, which nobody else writes until this transaction ends. (SQLite's BEGIN IMMEDIATE locks everything.)"""
    return tx.connection.execute(_LOCKED, {"of_session": digest(*key)}).one_or_none()


def seen(tx: Transaction, key: SessionKey) -> AnyRow:
    """The row as it is. Raises SessionNotFound."""
    row = seen_row(tx, key)
    if row is None:
        raise heads.not_found(key)
    return row


def locked(tx: Transaction, key: SessionKey) -> tuple[AnyRow, Session]:
    """The locked row and its head. Raises SessionNotFound."""
    row = locked_row(tx, key)
    if row is None:
        raise heads.not_found(key)
    return row, head_of(tx, row)


def live(tx: Transaction, key: SessionKey) -> Session:
    """The locked head. Raises SessionNotFound and SessionExpired."""
    _, head = locked(tx, key)
    heads.check_live(head, tx.clock())
    return head


def head_of(tx: Transaction, row: AnyRow) -> Session:
    document = row.running
    if document is not None:
        document = pieces.join(tx, row.log, pieces.begun_at(row.running_turn), document, row.running_pieces)
    return read_head(row, document)


def move(tx: Transaction, before: Session, columns: Columns) -> None:
    """Writes these columns of a locked head."""
    condition = {"of_session": digest(*before.key), "of_version": before.version}
    if tx.connection.execute(_MOVE, {**condition, **columns}).rowcount != 1:
        raise Moved


def put_running(tx: Transaction, log: str, turn: RunningTurn, call: str) -> Columns:
    """The columns of a turn that begins; what is too long for them is stored beside."""
    inline, rest = pieces.cut(written(turn), pieces.RUNNING_INLINE)
    pieces.put(tx, log, pieces.begun_at(turn.number), rest)
    return running(turn, call, inline, len(rest))


def drop_running(tx: Transaction, row: AnyRow) -> None:
    """Erases what was stored beside the columns of the row's running turn."""
    if row.running_pieces:
        pieces.drop(tx, row.log, pieces.begun_at(row.running_turn))
