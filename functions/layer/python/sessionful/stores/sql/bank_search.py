"""Search: a scan of what lives in one scope, a batch at a time, then the rows of what was found."""

from collections.abc import Sequence

from sqlalchemy import bindparam, case, select

from sessionful.domain.memory import Found, Scope
from sessionful.stores.nearness import BATCH, Nearest, Row
from sessionful.stores.sql.bank_rows import IN_ONE, SCOPED, SEVERAL, UNEXPIRED, M, read, scope_key
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow, digest
from sessionful.stores.sql.schema import MEMORIES

_LIVE = (SCOPED, M.live.is_not(None), UNEXPIRED)
# yield_per: the driver holds one batch at a time, however large the scope is.
_SCAN = (
    select(M.memory, M.created_at, case((M.model == bindparam("of_model"), M.vector)), M.words)
    .where(*_LIVE)
    .execution_options(yield_per=BATCH)
)
_FOUND = select(MEMORIES).where(*SEVERAL, M.live.is_not(None), UNEXPIRED)


def search(
    tx: Transaction, scope: Scope, vector: Sequence[float], model: str, words: Sequence[str], limit: int
) -> list[Found]:
    nearest = Nearest(vector, words, limit)
    here = {"of_scope": scope_key(scope), "now": tx.clock()}
    with tx.connection.execute(_SCAN, {**here, "of_model": digest(model)}) as scan:
        for batch in scan.partitions():
            nearest.look_at([Row(*row) for row in batch])
    hits = nearest.best()
    rows: list[AnyRow] = []
    for start in range(0, len(hits), IN_ONE):
        keys = [hit.key for hit in hits[start : start + IN_ONE]]
        rows += tx.connection.execute(_FOUND, {**here, "of_memories": keys}).all()
    found = dict(zip([row.memory for row in rows], read(tx, scope, rows), strict=True))
    return [Found(found[hit.key], hit.score) for hit in hits if hit.key in found]
