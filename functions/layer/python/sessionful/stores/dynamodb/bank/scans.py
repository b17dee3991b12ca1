"""The scans that this process keeps of scopes, each good for as long as its version is the scope's."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from sessionful.ports import Clock
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, key
from sessionful.stores.dynamodb.bank import places
from sessionful.stores.dynamodb.bank.draft import Outcome
from sessionful.stores.dynamodb.bank.scan import Row, Scan
from sessionful.stores.dynamodb.bank.version import name_of, touched_since
from sessionful.stores.dynamodb.recent import Recent
from sessionful.stores.dynamodb.table import SORT

MOST_ROWS = 30_000
"""What is kept of all scopes together: some 70 MB with vectors of 256 numbers, 95 with 1,024. Of a larger scope the
memories with the greatest ids, so the newest, are found and the others not: for such a one there is the vector index.
"""

_VERSIONS = 1_000
_QUICK_ROWS = 200


class Scans:
    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._kept = _Kept()
        self._versions: Recent[str, Item] = Recent(_VERSIONS)

    def version(self, partition: str) -> Item | None:
        """The version that was seen last, if any was: it may be an old one."""
        return self._versions.get(partition)

    async def newest(self, partition: str) -> Item | None:
        """The scope's version now; None when there is nothing in it."""
        version = await self._table.get(partition, places.VERSION)
        if version is None:
            self.forget(partition)
        else:
            self._versions.put(partition, version)
        return version

    async def of(self, partition: str, version: Item | None) -> Scan:
        """The scope as it was at this version, or later."""
        if version is None:
            return Scan(None)
        kept = self._kept.get(partition)
        if kept is None or kept.version != name_of(version):
            kept = await self._renewed(partition, kept, version)
        scan = kept.at(self._clock())
        self._kept.put(partition, scan)
        return scan

    def follow(self, partition: str, before: Item, after: Item, outcome: Outcome) -> None:
        """After a write of this process, so that it need not read what it wrote."""
        if not after:
            self.forget(partition)
            return
        self._versions.put(partition, after)
        kept = self._kept.get(partition)
        if kept is not None and kept.version == name_of(before):
            self._kept.put(partition, kept.after(name_of(after), map(Row.of, outcome.written), outcome.touched))

    def forget(self, partition: str) -> None:
        self._versions.drop(partition)
        self._kept.drop(partition)

    async def _renewed(self, partition: str, kept: Scan | None, version: Item) -> Scan:
        touched = touched_since(version, kept.version) if kept is not None and kept.version is not None else None
        if kept is None or touched is None:
            return await self._read(partition, version)
        items = await self._table.find([key(partition, sort) for sort in touched])
        return kept.after(name_of(version), map(Row.of, items), touched)

    async def _read(self, partition: str, version: Item) -> Scan:
        """What is written meanwhile is of a later version, and read with that."""
        rows: dict[str, Row] = {}
        async with aclosing(self._table.pages(partition, *places.MEMORIES, newest_first=True)) as pages:
            async for page in pages:
                reading = partial(_rows, page.items)
                rows |= reading() if len(page.items) < _QUICK_ROWS else await self._table.calls.run(reading)
                if len(rows) >= MOST_ROWS:
                    break
        return Scan(name_of(version), rows)


def _rows(items: Sequence[Item]) -> dict[str, Row]:
    return {item[SORT]["S"]: Row.of(item) for item in items}


class _Kept:
    """The scans used last, up to a number of rows. Safe for threads."""

    def __init__(self) -> None:
        self._scans: OrderedDict[str, Scan] = OrderedDict()
        self._rows = 0
        self._lock = threading.Lock()

    def get(self, partition: str) -> Scan | None:
        with self._lock:
            if partition in self._scans:
                self._scans.move_to_end(partition)
            return self._scans.get(partition)

    def put(self, partition: str, scan: Scan) -> None:
        with self._lock:
            self._take(partition)
            self._scans[partition] = scan
            self._rows += len(scan.rows)
            while self._rows > MOST_ROWS and len(self._scans) > 1:
                self._take(next(iter(self._scans)))

    def drop(self, partition: str) -> None:
        with self._lock:
            self._take(partition)

    def _take(self, partition: str) -> None:
        scan = self._scans.pop(partition, None)
        self._rows -= 0 if scan is None else len(scan.rows)
