"""What is forgotten. Each function is one transaction's work; sources go with their memory, by their foreign key."""

from sqlalchemy import bindparam, delete, exists, false, select

from sessionful.domain.memory import Scope
from sessionful.stores.memories import not_found
from sessionful.stores.sql.bank_rows import IN_ONE, ONE, SCOPED, SEVERAL, UNEXPIRED, M, key, scope_key
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import digest
from sessionful.stores.sql.schema import MEMORIES, MEMORY_SOURCES

_S = MEMORY_SOURCES.c
_DROP = delete(MEMORIES).where(*ONE, UNEXPIRED)
_DROP_ALL = delete(MEMORIES).where(SCOPED)
_SAID_THERE = (_S.scope == bindparam("of_scope"), _S.log == bindparam("of_log"))
_FROM_LOG = select(_S.memory).where(*_SAID_THERE).distinct().order_by(_S.memory)
_LOCK = select(M.memory).where(*SEVERAL).order_by(M.memory).with_for_update()
_STRIKE = delete(MEMORY_SOURCES).where(*_SAID_THERE, _S.memory.in_(bindparam("of_memories", expanding=True)))
_DROP_UNSAID = delete(MEMORIES).where(
    *SEVERAL, M.by_hand == false(), ~exists().where(_S.scope == M.scope, _S.memory == M.memory)
)


def delete_one(tx: Transaction, scope: Scope, memory_id: str) -> None:
    gone = tx.connection.execute(_DROP, {**key(scope, memory_id), "now": tx.clock()}).rowcount
    if not gone and not tx.again:
        raise not_found(memory_id)


def forget(tx: Transaction, scope: Scope, log: str) -> None:
    """The memories are locked before their sources are struck: one that is said again elsewhere at the same moment
    stays, with that source. What this log adds meanwhile came after it was forgotten."""
    said = {"of_scope": scope_key(scope), "of_log": digest(log)}
    found = tx.connection.execute(_FROM_LOG, said).scalars().all()
    for start in range(0, len(found), IN_ONE):
        these = {"of_scope": said["of_scope"], "of_memories": found[start : start + IN_ONE]}
        tx.connection.execute(_LOCK, these).all()
        tx.connection.execute(_STRIKE, {**said, **these})
        tx.connection.execute(_DROP_UNSAID, these)


def erase(tx: Transaction, scope: Scope) -> None:
    tx.connection.execute(_DROP_ALL, {"of_scope": scope_key(scope)})
