"""What is remembered: stored, merged, contradicted. Each function is one transaction's work.

Whoever changes a memory, or adds to its sources, holds its row's lock.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, insert, select, update

from sessionful.domain.memory import Memory, Scope, Source
from sessionful.stores import memories
from sessionful.stores.sql.bank_rows import (
    ONE,
    SCOPED,
    M,
    columns,
    expired,
    key,
    read,
    scope_key,
    source_columns,
)
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow, digest
from sessionful.stores.sql.schema import MEMORIES, MEMORY_SOURCES

_SWEPT_AT_ONCE = 100

_TWIN = select(MEMORIES).where(SCOPED, M.live == bindparam("of_live")).with_for_update()
_LOCKED = select(MEMORIES).where(*ONE).with_for_update()
_PUT = insert(MEMORIES)
_PUT_SOURCES = insert(MEMORY_SOURCES)
_LAST_SOURCE = select(func.max(MEMORY_SOURCES.c.number)).where(
    MEMORY_SOURCES.c.scope == bindparam("of_scope"), MEMORY_SOURCES.c.memory == bindparam("of_memory")
)
_CHANGE = update(MEMORIES).where(*ONE)
_DROP = delete(MEMORIES).where(*ONE)
_EXPIRED = (
    select(M.scope, M.memory).where(M.expires_at <= bindparam("now")).order_by(M.expires_at).limit(_SWEPT_AT_ONCE)
)
_SWEEP = delete(MEMORIES).where(*ONE, M.expires_at <= bindparam("now"))


def store(tx: Transaction, given: Sequence[Memory]) -> list[Memory]:
    _sweep(tx)
    kept: dict[int, Memory] = {}
    # In one order for everybody, so that two who store the same do not wait for each other. Twins stay in theirs.
    for number in sorted(range(len(given)), key=lambda at: (scope_key(given[at].scope), digest(given[at].digest))):
        kept[number] = _keep(tx, given[number])
    return [kept[number] for number in range(len(given))]


def supersede(tx: Transaction, scope: Scope, memory_id: str, by: Memory) -> Memory:
    memories.check_new(scope, by, memory_id)
    row = _locked(tx, scope, memory_id)
    done = _superseded(tx, scope, row, by) if tx.again else None
    if done is not None:
        return done
    if row is None or row.live is None:
        raise memories.not_found(memory_id)
    (contradicted,) = read(tx, scope, [row])
    twin = None if row.live == digest(by.digest) else _twin(tx, by)
    if twin is None and _locked(tx, scope, by.id) is not None:
        raise memories.id_taken(by.id)
    winner = by if twin is None else read(tx, scope, [twin])[0]
    # First, because there can be one living memory of a digest.
    _change(tx, memories.ended(contradicted, winner, by.created_at), row.by_hand)
    new = memories.contradicting(by, memory_id)
    return _put(tx, new) if twin is None else _merge(tx, twin, new)


def revector(tx: Transaction, scope: Scope, vectors: Sequence[tuple[str, str, tuple[float, ...]]]) -> None:
    for memory_id, model, vector in sorted(vectors, key=lambda one: digest(one[0])):
        row = _locked(tx, scope, memory_id)
        if row is not None:
            (memory,) = read(tx, scope, [row])
            _change(tx, memory.model_copy(update={"model": model, "vector": vector}), row.by_hand)


def _keep(tx: Transaction, memory: Memory) -> Memory:
    twin = _twin(tx, memory)
    if twin is not None:
        return _merge(tx, twin, memory)
    row = _locked(tx, memory.scope, memory.id)
    return _put(tx, memory) if row is None else read(tx, memory.scope, [row])[0]


def _twin(tx: Transaction, memory: Memory) -> AnyRow | None:
    """The locked row of what lives with its digest."""
    found = {"of_scope": scope_key(memory.scope), "of_live": digest(memory.digest)}
    return _unexpired(tx, tx.connection.execute(_TWIN, found).one_or_none())


def _locked(tx: Transaction, scope: Scope, memory_id: str) -> AnyRow | None:
    return _unexpired(tx, tx.connection.execute(_LOCKED, key(scope, memory_id)).one_or_none())


def _unexpired(tx: Transaction, row: AnyRow | None) -> AnyRow | None:
    """None in place of a row that has expired, which makes room at once."""
    if row is None or not expired(row, tx.clock()):
        return row
    tx.connection.execute(_DROP, {"of_scope": row.scope, "of_memory": row.memory})
    return None


def _put(tx: Transaction, memory: Memory) -> Memory:
    memory = memories.each_source_once(memory)
    tx.connection.execute(_PUT, columns(memory, by_hand=not memory.sources))
    _put_sources(tx, memory, memory.sources, 0)
    return memory


def _merge(tx: Transaction, twin: AnyRow, memory: Memory) -> Memory:
    (before,) = read(tx, memory.scope, [twin])
    after = memories.merged(before, memory)
    by_hand = twin.by_hand or not memory.sources
    said = after.sources[len(before.sources) :]
    if said:  # numbered on from the last one, for some may have been struck
        last = tx.connection.execute(_LAST_SOURCE, key(memory.scope, after.id)).scalar()
        _put_sources(tx, after, said, 0 if last is None else last + 1)
    if by_hand != twin.by_hand or after.model_copy(update={"sources": before.sources}) != before:
        _change(tx, after, by_hand)
    return after


def _put_sources(tx: Transaction, memory: Memory, sources: Sequence[Source], first: int) -> None:
    at = scope_key(memory.scope), digest(memory.id)
    rows = [source_columns(*at, number, source) for number, source in enumerate(sources, first)]
    if rows:
        tx.connection.execute(_PUT_SOURCES, rows)


def _change(tx: Transaction, memory: Memory, by_hand: bool) -> None:
    tx.connection.execute(_CHANGE, {**key(memory.scope, memory.id), **columns(memory, by_hand)})


def _superseded(tx: Transaction, scope: Scope, row: AnyRow | None, by: Memory) -> Memory | None:
    """What an earlier try, whose answer was lost, has put in the place of this row's memory."""
    if row is None:
        return None
    (contradicted,) = read(tx, scope, [row])
    winner = None if contradicted.superseded_by is None else _locked(tx, scope, contradicted.superseded_by)
    if winner is None or winner.live != digest(by.digest):
        return None
    return read(tx, scope, [winner])[0]


def _sweep(tx: Transaction) -> None:
    now = tx.clock()
    gone = tx.connection.execute(_EXPIRED, {"now": now}).all()
    if gone:
        rows = [{"of_scope": row.scope, "of_memory": row.memory, "now": now} for row in sorted(gone)]
        tx.connection.execute(_SWEEP, rows)
