"""The list of sessions: heads only, newest activity first, a page at a time. And of those that have expired."""

import heapq
from collections.abc import Sequence

from sqlalchemy import bindparam, or_, select

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Session, SessionPage
from sessionful.stores.cursor import list_place, read_cursor, write_cursor
from sessionful.stores.sql.access import head_of
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.rows import AnyRow, digest, label, shelf
from sessionful.stores.sql.schema import HEADS

_H = HEADS.c
_LIVE = or_(_H.expires_at.is_(None), _H.expires_at > bindparam("now"), _H.lease_until > bindparam("now"))
_FIRST = (
    select(HEADS)
    .where(_H.shelf == bindparam("of_shelf"), _LIVE)
    .order_by(_H.updated_at.desc(), _H.session.desc())
    .limit(bindparam("most"))
)
# Spelt out because not every database uses an index for (updated_at, session) < (..., ...).
_BEHIND = _FIRST.where(
    _H.updated_at <= bindparam("behind_time"),
    or_(_H.updated_at < bindparam("behind_time"), _H.session < bindparam("behind_session")),
)
_EXPIRED = (
    select(HEADS)
    .where(
        _H.expires_at <= bindparam("at"),
        or_(_H.lease_until.is_(None), _H.lease_until <= bindparam("at")),
        _H.agent.in_(bindparam("of_agents", expanding=True)),
    )
    .order_by(_H.expires_at)
    .limit(bindparam("most"))
)
_LATEST = 2**63 - 1


def list_sessions(tx: Transaction, owner: str, agents: Sequence[str], limit: int, cursor: str | None) -> SessionPage:
    behind = {} if cursor is None else _behind(owner, cursor)
    bounds = {**behind, "now": tx.clock(), "most": limit + 1}
    statement = _BEHIND if behind else _FIRST
    found: list[tuple[int, str, AnyRow]] = []
    for agent in dict.fromkeys(agents):
        rows = tx.connection.execute(statement, {**bounds, "of_shelf": shelf(owner, agent)}).all()
        found.extend((row.updated_at, row.session, row) for row in rows)
    page = heapq.nlargest(limit + 1, found, key=_rank)
    sessions = [head_of(tx, row) for _, _, row in page[:limit]]
    more = len(page) > limit
    return SessionPage(sessions, write_cursor(list_place(sessions[-1])) if more else None)


def list_expired(tx: Transaction, agents: Sequence[str], at: int, limit: int) -> list[Session]:
    """The agents' labels may say less than their names, so the heads have the last word."""
    wanted = {"of_agents": [label(agent) for agent in agents], "at": at, "most": limit}
    found = [head_of(tx, row) for row in tx.connection.execute(_EXPIRED, wanted).all()]
    return [head for head in found if head.key.agent in agents]


def _behind(owner: str, cursor: str) -> dict[str, int | str]:
    place = read_cursor(cursor)
    if not 0 <= -place.idle_since <= _LATEST:
        raise InvalidRequest("the cursor is not one that this list gave", field="cursor", given=cursor[:80])
    return {"behind_time": -place.idle_since, "behind_session": digest(owner, place.agent, place.id)}


def _rank(found: tuple[int, str, AnyRow]) -> tuple[int, str]:
    return found[0], found[1]
