"""Entries in memory, log by log, each kept as long as some session holds on to it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.lineage import START, Stretch
from sessionful.domain.session import Position
from sessionful.domain.turn import Entry, Window
from sessionful.stores.detached import detached_entry


class _Kept(NamedTuple):
    entry: Entry
    size: int


class Shelf:
    """Not safe for threads by itself: its owner holds a lock."""

    def __init__(self) -> None:
        self._logs: dict[str, list[_Kept]] = {}
        self._holders: dict[str, set[str]] = {}

    def hold(self, holder: str, logs: Iterable[str]) -> None:
        """`holder`, a session's own log, needs these logs from now on."""
        for log in logs:
            self._holders.setdefault(log, set()).add(holder)

    def release(self, holder: str, logs: Iterable[str]) -> None:
        """What nobody holds any more is gone."""
        for log in logs:
            holders = self._holders.get(log, set())
            holders.discard(holder)
            if not holders:
                self._holders.pop(log, None)
                self._logs.pop(log, None)

    def put(self, log: str, entries: Sequence[Entry]) -> None:
        """Raises InvalidRequest, and stores nothing, when a place is taken already: entries are never rewritten."""
        kept = self._logs.get(log, [])
        last = kept[-1].entry.position if kept else START
        for entry in entries:
            if entry.position <= last:
                raise InvalidRequest("the log has an entry at this place or after it", position=list(entry.position))
            last = entry.position
        fresh = [_Kept(detached_entry(entry), len(entry.model_dump_json())) for entry in entries]
        self._logs.setdefault(log, []).extend(fresh)

    def at(self, log: str, place: Position) -> Entry | None:
        before = Position(place.turn, place.step - 1)
        return next((detached_entry(kept.entry) for kept in self._walk([Stretch(log, before, place)], False)), None)

    def read(self, stretches: Sequence[Stretch], limit: int | None = None, newest_first: bool = False) -> list[Entry]:
        return [detached_entry(kept.entry) for kept in islice(self._walk(stretches, newest_first), limit)]

    def newest(self, stretches: Sequence[Stretch], window: Window) -> list[Entry]:
        """The newest entries that fill the window, oldest first."""
        found: list[Entry] = []
        size = 0
        for kept in self._walk(stretches, newest_first=True):
            found.append(detached_entry(kept.entry))
            size += kept.size
            if len(found) >= window.entries or size >= window.bytes:
                break
        return found[::-1]

    def count(self) -> int:
        """Everything that is physically kept, entries and holds."""
        return sum(map(len, self._logs.values())) + sum(map(len, self._holders.values()))

    def _walk(self, stretches: Sequence[Stretch], newest_first: bool) -> Iterator[_Kept]:
        for stretch in reversed(stretches) if newest_first else stretches:
            kept = self._logs.get(stretch.log, [])
            low = bisect_right(kept, stretch.low, key=_place)
            high = bisect_right(kept, stretch.high, key=_place)
            for index in range(high - 1, low - 1, -1) if newest_first else range(low, high):
                yield kept[index]


def _place(kept: _Kept) -> Position:
    return kept.entry.position
