"""Groups as rows: what a running turn has flushed of its open step. A session has those of one lease at a time."""

import json
from collections.abc import Iterable
from itertools import groupby

from sqlalchemy import bindparam, delete, insert, select

from sessionful.domain.error import InvalidRequest
from sessionful.domain.turn import Group
from sessionful.stores.sql import pieces
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow
from sessionful.stores.sql.schema import GROUPS

_PUT = insert(GROUPS)
_GET = (
    select(GROUPS.c.number, GROUPS.c.payload)
    .where(GROUPS.c.log == bindparam("of_log"))
    .order_by(GROUPS.c.number, GROUPS.c.piece)
)
_DROP = delete(GROUPS).where(GROUPS.c.log == bindparam("of_log"))


def put(tx: Transaction, log: str, group: Group) -> None:
    """Raises InvalidRequest for half a surrogate pair."""
    # As a JSON string, because PostgreSQL's texts hold no NUL.
    text = json.dumps(group.text, ensure_ascii=False)
    if not _is_unicode(text):
        raise InvalidRequest("the group holds text that is not valid Unicode")
    inline, rest = pieces.cut(text, pieces.PIECE)
    for number, payload in enumerate(rest or [inline]):  # one statement each: several would make one packet again
        tx.connection.execute(_PUT, {"log": log, "number": group.number, "piece": number, "payload": payload})


def read(tx: Transaction, log: str) -> list[str]:
    return texts(tx.connection.execute(_GET, {"of_log": log}))


def texts(rows: Iterable[AnyRow]) -> list[str]:
    """The groups in rows of `number` and `payload`, in the order of numbers and pieces."""
    by_number = groupby(rows, key=lambda row: row.number)
    return [json.loads("".join(row.payload for row in found)) for _, found in by_number]


def drop(tx: Transaction, log: str) -> None:
    tx.connection.execute(_DROP, {"of_log": log})


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
