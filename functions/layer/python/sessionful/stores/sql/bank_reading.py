"""Reading memories: always within one scope. Each function is one transaction's work."""

from sqlalchemy import bindparam, or_, select

from sessionful.domain.memory import Memory, MemoryPage, Scope
from sessionful.stores.memories import not_found, read_place, write_place
from sessionful.stores.sql.bank_rows import ONE, SCOPED, UNEXPIRED, M, key, read, scope_key
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import digest
from sessionful.stores.sql.schema import MEMORIES

_GET = select(MEMORIES).where(*ONE, UNEXPIRED)
_PAGE = (
    select(MEMORIES).where(SCOPED, UNEXPIRED).order_by(M.created_at.desc(), M.memory.desc()).limit(bindparam("most"))
)
# Spelt out because not every database uses an index for (created_at, memory) < (..., ...).
_BEHIND = (
    M.created_at <= bindparam("behind_time"),
    or_(M.created_at < bindparam("behind_time"), M.memory < bindparam("behind_memory")),
)
_UNLIKE = (
    select(MEMORIES)
    .where(SCOPED, UNEXPIRED, M.live.is_not(None), or_(M.model.is_(None), M.model != bindparam("of_model")))
    .limit(bindparam("most"))
)


def get(tx: Transaction, scope: Scope, memory_id: str) -> Memory:
    row = tx.connection.execute(_GET, {**key(scope, memory_id), "now": tx.clock()}).one_or_none()
    if row is None:
        raise not_found(memory_id)
    return read(tx, scope, [row])[0]


def page(tx: Transaction, scope: Scope, limit: int, cursor: str | None, ended: bool) -> MemoryPage:
    statement = _PAGE if ended else _PAGE.where(M.live.is_not(None))
    bounds = {"of_scope": scope_key(scope), "now": tx.clock(), "most": limit + 1}
    if cursor is not None:
        created_at, memory_id = read_place(cursor)
        statement = statement.where(*_BEHIND)
        bounds |= {"behind_time": created_at, "behind_memory": digest(memory_id)}
    rows = tx.connection.execute(statement, bounds).all()
    found = read(tx, scope, rows[:limit])
    return MemoryPage(found, write_place(found[-1]) if len(rows) > limit else None)


def unlike(tx: Transaction, scope: Scope, model: str, limit: int) -> list[Memory]:
    asked = {"of_scope": scope_key(scope), "now": tx.clock(), "of_model": digest(model), "most": limit}
    return read(tx, scope, tx.connection.execute(_UNLIKE, asked).all())
