"""Erasing a session: its head, keys, queue and groups at once, a log as soon as no session holds it any more."""

from sqlalchemy import bindparam, delete, exists, select

from sessionful.stores.sql import groups, pieces, waiting
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow
from sessionful.stores.sql.schema import HEADS, HOLDS, KEYS, LOGS

_HELD = select(HOLDS.c.log).where(HOLDS.c.holder == bindparam("of_holder"))
_LOCK_LOGS = (
    select(LOGS.c.log)
    .where(LOGS.c.log.in_(bindparam("of_logs", expanding=True)))
    .order_by(LOGS.c.log)
    .with_for_update()
)
_DROP_HEAD = delete(HEADS).where(HEADS.c.session == bindparam("of_session"))
_DROP_KEYS = delete(KEYS).where(KEYS.c.log == bindparam("of_log"))
_DROP_HOLDS = delete(HOLDS).where(HOLDS.c.holder == bindparam("of_holder"))
_FREE = (LOGS.c.log.in_(bindparam("of_logs", expanding=True)), ~exists().where(HOLDS.c.log == LOGS.c.log))
_UNHELD = select(LOGS.c.log).where(*_FREE)
_DROP_LOGS = delete(LOGS).where(*_FREE)


def erase(tx: Transaction, row: AnyRow) -> None:
    """Erases the session of this locked row.

    The logs are locked before their holders are counted: of two sessions that go at the same time and share a log, the
    second has to see that the first is gone. A fork needs no such lock: it holds its source's row, and the source holds
    the logs. What hangs on a log goes with its row, by its foreign keys.
    """
    execute = tx.connection.execute
    logs = execute(_HELD, {"of_holder": row.log}).scalars().all()
    execute(_LOCK_LOGS, {"of_logs": logs}).all()
    if row.running_pieces or row.queued:
        pieces.drop_unstored(tx, row.log, row.last_turn)
    if row.queued:
        waiting.drop_all(tx, row.log)
    if row.flushed:
        groups.drop(tx, row.log)
    execute(_DROP_KEYS, {"of_log": row.log})
    execute(_DROP_HEAD, {"of_session": row.session})
    execute(_DROP_HOLDS, {"of_holder": row.log})
    with_files = tx.beside.known(logs)
    if with_files:
        tx.beside.note(tx.connection, execute(_UNHELD, {"of_logs": with_files}).scalars().all())
    execute(_DROP_LOGS, {"of_logs": logs})
