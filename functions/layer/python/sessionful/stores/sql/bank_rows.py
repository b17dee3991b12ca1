"""Memories and their sources as rows, and rows as memories."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from sessionful.domain.memory import Memory, Scope, Source
from sessionful.stores.nearness import packed, plain_words, unpacked
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow, Columns, digest, written
from sessionful.stores.sql.schema import MEMORIES, MEMORY_SOURCES

IN_ONE = 500
"""How many keys one statement names at most."""

M = MEMORIES.c
SCOPED = M.scope == bindparam("of_scope")
ONE = (SCOPED, M.memory == bindparam("of_memory"))
SEVERAL = (SCOPED, M.memory.in_(bindparam("of_memories", expanding=True)))
UNEXPIRED = M.expires_at.is_(None) | (M.expires_at > bindparam("now"))

_S = MEMORY_SOURCES.c
_SOURCES = (
    select(_S.memory, _S.payload)
    .where(_S.scope == bindparam("of_scope"), _S.memory.in_(bindparam("of_memories", expanding=True)))
    .order_by(_S.memory, _S.number)
)


def scope_key(scope: Scope) -> str:
    return digest(*scope)


def key(scope: Scope, memory_id: str) -> Columns:
    return {"of_scope": scope_key(scope), "of_memory": digest(memory_id)}


def columns(memory: Memory, by_hand: bool) -> Columns:
    """Everything but the sources. Raises InvalidRequest for what cannot be written."""
    return {
        "scope": scope_key(memory.scope),
        "memory": digest(memory.id),
        "live": digest(memory.digest) if memory.ended_at is None else None,
        "created_at": memory.created_at,
        "expires_at": memory.expires_at,
        "by_hand": by_hand,
        "model": None if memory.model is None else digest(memory.model),
        "vector": packed(memory.vector),
        "words": plain_words(memory.text),
        "document": written(memory, exclude={"sources", "vector"}),
    }


def source_columns(scope: str, memory: str, number: int, source: Source) -> Columns:
    return {
        "scope": scope,
        "memory": memory,
        "source": digest(source.owner, source.session_id, source.log, *map(str, source.at)),
        "log": digest(source.log),
        "number": number,
        "payload": written(source),
    }


def expired(row: AnyRow, now: int) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def read(tx: Transaction, scope: Scope, rows: Sequence[AnyRow]) -> list[Memory]:
    """The memories of these rows, with their sources."""
    sources: dict[str, list[Source]] = defaultdict(list)
    for start in range(0, len(rows), IN_ONE):
        keys = [row.memory for row in rows[start : start + IN_ONE]]
        for found in tx.connection.execute(_SOURCES, {"of_scope": scope_key(scope), "of_memories": keys}):
            sources[found.memory].append(Source.model_validate_json(found.payload))
    return [_read(row, sources[row.memory]) for row in rows]


def _read(row: AnyRow, sources: Sequence[Source]) -> Memory:
    moving = {"sources": tuple(sources), "vector": unpacked(row.vector)}
    return Memory.model_validate_json(row.document).model_copy(update=moving)
