"""Entries, read from the logs that a session sees."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from sessionful.domain.error import StoreUnavailable
from sessionful.domain.lineage import START, Stretch, stretches
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.turn import Entry, Window
from sessionful.stores.detached import detached_entry
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Page, Table
from sessionful.stores.dynamodb.actions import Attribute, Item, key, string
from sessionful.stores.dynamodb.codec import Head
from sessionful.stores.dynamodb.entries import read_entry
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.packing import Pointer, unpack
from sessionful.stores.dynamodb.pieces import Pieces, Place
from sessionful.stores.dynamodb.recent import Recent
from sessionful.stores.dynamodb.table import PARTITION, SORT

_MOST_AT_ONCE = 1000
_KNOWN_SIZES = 10_000
_SMALL_ENTRY = 256
_KEPT_ENTRIES = 1_000
_KEPT_CHARACTERS = 8_000


class Stored(NamedTuple):
    """An entry as it lies in the table; `home` is the partition of its log."""

    at: Position
    log: str
    home: str
    attribute: Attribute

    @property
    def size(self) -> int:
        told = unpack(self.attribute)
        return len(told) if isinstance(told, str) else told.size

    @property
    def in_object(self) -> bool:
        told = unpack(self.attribute)
        return isinstance(told, Pointer) and not told.cuts


class Entries:
    def __init__(self, table: Table, pieces: Pieces, heads: Heads) -> None:
        self._table = table
        self._pieces = pieces
        self._heads = heads
        self._sizes: Recent[str, int] = Recent(_KNOWN_SIZES)
        self._typical = 0
        self._read: Recent[tuple[str, Position], tuple[str, Entry]] = Recent(_KEPT_ENTRIES)

    async def newest(self, session: SessionKey, window: Window) -> Page:
        """The newest entries of the session's partition, whichever log is its own: asked for before the head is
        known, so that both come in one round trip."""
        partition = keys.partition(session)
        return await self._table.query(
            f"#{PARTITION} = :partition AND begins_with(#{SORT}, :entry)",
            {"partition": string(partition), "entry": string(f"{keys.ENTRY}#")},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=self._guess(partition, window),
        )

    async def window(self, head: Head, window: Window, page: Page) -> list[Entry]:
        """The newest entries of the visible past that fill the window, oldest first; `page` is what `newest` found."""
        found: list[Stored] = []
        size = 0
        limit = self._guess(head.partition, window)
        async with aclosing(self._newest_first(head.session, page, limit)) as past:
            async for stored in past:
                found.append(stored)
                size += stored.size
                if len(found) >= window.entries or size >= window.bytes:
                    break
        if found:
            average = size // len(found) or 1
            self._sizes.put(head.partition, average)
            self._typical = (4 * self._typical + average) // 5 if self._typical else average
        return await self._opened(found[::-1])

    async def read(
        self, session: Session, places: Sequence[Stretch], limit: int, newest_first: bool = False
    ) -> list[Entry]:
        found: list[Stored] = []
        for stretch in reversed(places) if newest_first else places:
            if len(found) >= limit:
                break
            async with aclosing(self._walk(session, stretch, newest_first, limit - len(found))) as past:
                async for stored in past:
                    found.append(stored)
                    if len(found) >= limit:
                        break
        return await self._opened(found)

    async def opened(self, item: Item, log: str) -> Entry | None:
        """An entry from its item, unless its pieces are gone."""
        told = await self._opened([_stored(item, log)])
        return told[0] if told else None

    def _guess(self, partition: str, window: Window) -> int:
        """How many entries to ask for. A request has no limit in bytes, and what is read is paid for: so ask for what
        fits the window when this session's entries are as large as they lately were, and some more. Of a session that
        this process has not met the others' size is assumed; the very first counts as small, and reads 1 MB at most."""
        size = self._sizes.get(partition) or self._typical or _SMALL_ENTRY
        return max(1, min(window.entries, window.bytes * 5 // (size * 4) + 1, _MOST_AT_ONCE))

    async def _newest_first(self, session: Session, page: Page, limit: int) -> AsyncGenerator[Stored, None]:
        own = _own_entries(session, page)
        for stretch in reversed(stretches(session)):
            rest: Stretch | None = stretch
            if own is not None and stretch.log == session.log:
                for stored in own.within(stretch):
                    yield stored
                rest = own.missing(stretch)
            if rest is not None:
                async with aclosing(self._walk(session, rest, True, limit)) as past:
                    async for stored in past:
                        yield stored

    async def _walk(
        self, session: Session, stretch: Stretch, newest_first: bool, limit: int
    ) -> AsyncGenerator[Stored, None]:
        home = await self._heads.home(session, stretch.log)
        if home is None:
            return
        first, last = keys.entry_range(stretch.log, stretch.low, stretch.high)
        pages = self._table.pages(home, first, last, newest_first, min(limit, _MOST_AT_ONCE))
        async with aclosing(pages):
            async for page in pages:
                for item in page.items:
                    yield _stored(item, stretch.log)

    async def _opened(self, found: Sequence[Stored]) -> list[Entry]:
        places = [(Place(one.home, keys.ENTRY_PIECE, one.log), one.attribute) for one in found]
        texts = await self._pieces.texts(places)
        await self._check_erased([one for one, text in zip(found, texts, strict=True) if text is None])
        return [self._parsed(one, text) for one, text in zip(found, texts, strict=True) if text is not None]

    async def _check_erased(self, gone: Sequence[Stored]) -> None:
        """An object is erased after the entry that points at it. Raises StoreUnavailable where that is still there:
        a past with a gap must not be taken for whole."""
        wanted = [entry_key(one.home, one.log, one.at) for one in gone if one.in_object]
        if wanted and await self._table.find(wanted):
            raise StoreUnavailable("a part of the session is missing from the bucket")

    def _parsed(self, stored: Stored, text: str) -> Entry:
        """Parsing the window is most of a turn's own time, and most of it was in the last turn's window too."""
        place = stored.log, stored.at
        known = self._read.get(place)
        if known is None or known[0] != text:
            known = text, read_entry(text, stored.at)
            if len(text) <= _KEPT_CHARACTERS:
                self._read.put(place, known)
        return detached_entry(known[1])


class _Own(NamedTuple):
    """What a page holds of the session's own log: all of it down to `lowest`, or down to its start."""

    stored: list[Stored]
    lowest: Position | None

    def within(self, stretch: Stretch) -> Iterator[Stored]:
        return (one for one in self.stored if stretch.low < one.at <= stretch.high)

    def missing(self, stretch: Stretch) -> Stretch | None:
        """What of the stretch lies below the page."""
        if self.lowest is None or self.lowest <= stretch.low:
            return None
        below = Position(self.lowest.turn, self.lowest.step - 1)
        return stretch._replace(high=min(stretch.high, below)) if below > stretch.low else None


def _own_entries(session: Session, page: Page) -> _Own | None:
    """None when the page was read too early to hold the last entry, or holds other logs' entries in its stead."""
    prefix = f"{keys.ENTRY}#{keys.log_name(session.log)}#"
    stored = [_stored(item, session.log) for item in page.items if item[SORT]["S"].startswith(prefix)]
    last = page.last[SORT]["S"] if page.last is not None else None
    lowest = keys.position(last) if last is not None and last.startswith(prefix) else None
    empty = session.last == START or (session.parent is not None and session.last == session.parent.at)
    if stored:
        return _Own(stored, lowest) if stored[0].at == session.last else None
    return _Own([], None) if empty else None


def _stored(item: Item, log: str) -> Stored:
    return Stored(keys.position(item[SORT]["S"]), log, item[PARTITION]["S"], item["d"])


def entry_pieces(head: Head) -> Place:
    return Place(head.partition, keys.ENTRY_PIECE, head.session.log)


def entry_key(home: str, log: str, at: Position) -> Item:
    return key(home, keys.entry(log, at))
