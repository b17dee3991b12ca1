"""Erasing a session: its head and keys at once, a log as soon as no session holds it any more."""

from sqlalchemy import bindparam, delete, exists, select

from sessionful.stores.sql.access import drop_running
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
_DROP_LOGS = delete(LOGS).where(
    LOGS.c.log.in_(bindparam("of_logs", expanding=True)), ~exists().where(HOLDS.c.log == LOGS.c.log)
)


def erase(tx: Transaction, row: AnyRow) -> None:
    """Erases the session of this locked row.

    The logs are locked before their holders are counted: of two sessions that go at the same time and share a log, the
    second has to see that the first is gone. A fork needs no such lock: it holds its source's row, and the source holds
    the logs. Entries, pieces and keys go with their log's row, by its foreign keys.
    """
    execute = tx.connection.execute
    logs = execute(_HELD, {"of_holder": row.log}).scalars().all()
    execute(_LOCK_LOGS, {"of_logs": logs}).all()
    drop_running(tx, row)
    execute(_DROP_KEYS, {"of_log": row.log})
    execute(_DROP_HEAD, {"of_session": row.session})
    execute(_DROP_HOLDS, {"of_holder": row.log})
    execute(_DROP_LOGS, {"of_logs": logs})
