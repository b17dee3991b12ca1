"""Lists of sessions, newest activity first, from an index that knows each activity only to a quarter of an hour.

The index tells marks, newest first, and `mark <= activity < mark + MARK_MS` (see marks.py; a turn that has begun and
not yet stored anything may be further ahead). So heads are read along the marks until no session behind the last mark
read can come before the page's last one. How far above its mark a session may stand is settled on the first page, and
goes with the cursor:

    a   anywhere: there are no more than `_FEW` sessions, so all are read, and the order is exact whatever has begun
    b   at most MARK_MS: the order is exact, but for those begun turns
    c   at its mark: more than `_MOST` sessions have marks too close together to tell; exact to a quarter of an hour

In each, a session that nobody touches between two pages is told exactly once. A page may be short, or even empty, and
still have a cursor, when hundreds of sessions on its way have expired. An index follows its table with a delay, of less
than a second as a rule; a list is as old as that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Session, SessionPage
from sessionful.stores.cursor import ListPlace, list_place, read_cursor, write_cursor
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key
from sessionful.stores.dynamodb.codec import Head, read_head, read_key
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.marks import MARK_MS, Marks

_FEW = 100
_MOST = 500
_AHEAD: dict[str, int | None] = {"a": None, "b": MARK_MS, "c": 0}
_TOP = ListPlace(-(2**62), "", "")


class _Seen(NamedTuple):
    """A head without its settings, which only those that make it onto the page are worth."""

    head: Head
    item: Item


class _Row(NamedTuple):
    place: ListPlace
    item: Item


class _Start(NamedTuple):
    """Where a page begins: the marks up to `upto`, and of their sessions those that come after `behind`."""

    mode: str | None = None
    upto: int | None = None
    behind: ListPlace = _TOP


class Listing:
    def __init__(self, table: Table, heads: Heads) -> None:
        self._table = table
        self._heads = heads

    async def page(self, owner: str, agents: Sequence[str], limit: int, cursor: str | None) -> SessionPage:
        """Raises InvalidRequest for a cursor that no page gave."""
        start = _Start() if cursor is None else _read(cursor)
        marks = Marks(self._table, owner, agents, start.upto)
        mode, live, read = start.mode, list[_Seen](), 0
        while True:
            partitions = await marks.take(_FEW if mode is None else min(limit + 1, _FEW))
            live += await self._live(partitions)
            read += len(partitions)
            rest = await marks.next()
            if mode is None:
                mode = "a" if rest is None else "b"
            rows = _sorted(live, mode, start.behind)
            if rest is None or _certain(rows, limit, mode, rest):
                break
            if read >= _MOST and mode != "a":
                if len(rows) <= limit:
                    break
                if start.mode is None:
                    mode = "c"
        return SessionPage(await self._whole(rows[:limit]), _next(rows, limit, mode, rest))

    async def _live(self, partitions: Sequence[str]) -> list[_Seen]:
        wanted = [key(partition, keys.HEAD) for partition in partitions]
        items = await self._table.find(wanted, consistent=False) if wanted else []
        seen = [_Seen(read_head(item), item) for item in items]
        now = self._heads.clock()
        return [one for one in seen if not one.head.session.expired(now)]

    async def _whole(self, rows: Sequence[_Row]) -> list[Session]:
        whole = {head.session.key: head.session for head in await self._heads.whole([row.item for row in rows])}
        return [whole[key] for row in rows if (key := read_key(row.item)) in whole]


def _sorted(live: Sequence[_Seen], mode: str, behind: ListPlace) -> list[_Row]:
    rows = []
    for head, item in live:
        ahead = _AHEAD[mode]
        place = list_place(head.session)
        if ahead is not None:
            place = place._replace(idle_since=max(place.idle_since, -(head.mark + ahead)))
        if place > behind:
            rows.append(_Row(place, item))
    return sorted(rows, key=lambda row: row.place)


def _certain(rows: Sequence[_Row], limit: int, mode: str, rest: int) -> bool:
    """Whether nothing at the mark `rest` or below can come onto the page, and there is a row for the next one."""
    ahead = _AHEAD[mode]
    return ahead is not None and len(rows) > limit and -rows[limit].place.idle_since > rest + ahead


def _next(rows: Sequence[_Row], limit: int, mode: str, rest: int | None) -> str | None:
    if len(rows) > limit:
        last = rows[limit - 1].place
        return _write(_Start(mode, -last.idle_since, last))
    return None if rest is None else _write(_Start(mode, rest))


def _write(start: _Start) -> str:
    return f"{start.mode}.{start.upto}.{write_cursor(start.behind)}"


def _read(cursor: str) -> _Start:
    match cursor.split("."):
        case [mode, upto, place] if mode in _AHEAD and upto.isascii() and upto.isdigit() and len(upto) <= 18:
            return _Start(mode, int(upto), read_cursor(place))
    raise InvalidRequest("the cursor is not one that this list gave", field="cursor", given=cursor[:80])
