"""What a scope says, as one read of it found: searched in memory, and never changed, so that any thread may.

A memory's vector is first compared by its signs alone, an XOR and a count of bits, and exactly only when it is among
the few hundred nearest by that. What that loses of the ten nearest among 10,000, and how long it takes, is measured by
`bench/memory_scan.py`: nothing, of vectors of 256 and of 1,024 numbers, in some 25 and 35 ms.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Self

from sessionful.stores.dynamodb.actions import Item
from sessionful.stores.dynamodb.bank import vectors
from sessionful.stores.dynamodb.bank.codec import read_id, read_record
from sessionful.stores.dynamodb.bank.vectors import Direction
from sessionful.stores.dynamodb.table import SORT
from sessionful.stores.nearness import Hit, plain_words

EXACT_UPTO = 1_000
"""With as many comparable memories, all are compared exactly."""

_CANDIDATES = 400
_NUMBERS = 200_000
"""How many are compared exactly otherwise: 400, and more of short vectors, whose signs tell less and whose numbers are
compared the sooner."""

_SHARING = 100
"""And of those that share words."""


class Row(NamedTuple):
    """What a search and a list look at; `words` and `signs` are a living memory's, `signs` of one with a vector."""

    item: Item
    id: str
    created_at: int
    expires_at: int | None
    ended: bool
    words: str
    signs: int

    @classmethod
    def of(cls, item: Item) -> Self:
        record = read_record(item)
        signs = vectors.signs(item["x"]["B"]) if "x" in item else 0
        words = "" if "e" in record else plain_words(record["t"])
        return cls(item, read_id(item, record), record["c"], record.get("x"), "e" in record, words, signs)

    @property
    def model(self) -> str | None:
        return self.item["m"]["S"] if "m" in self.item else None


@dataclass(frozen=True, eq=False)
class Scan:
    """`version` is the name of the version that it is of; None: the scope is empty."""

    version: str | None
    rows: Mapping[str, Row] = field(default_factory=dict)

    def after(self, version: str | None, rows: Iterable[Row], touched: Iterable[str]) -> "Scan":
        """With these rows in place of those at the sort keys `touched`."""
        left = {**self.rows}
        for sort in touched:
            left.pop(sort, None)
        return Scan(version, left | {row.item[SORT]["S"]: row for row in rows})

    def at(self, now: int) -> "Scan":
        """Without what has expired."""
        if self._first_expiry is None or self._first_expiry > now:
            return self
        kept = {sort: row for sort, row in self.rows.items() if row.expires_at is None or row.expires_at > now}
        return Scan(self.version, kept)

    def search(self, one: Direction, model: str, words: Iterable[str], limit: int) -> list[tuple[Row, Hit]]:
        """The living ones: `limit` by meaning and `limit` by words, best first."""
        signs = self._signs.get((model, len(one.numbers)), {})
        shared = self._shared(words)
        most = max(_CANDIDATES, _NUMBERS // max(len(one.numbers), 1), 4 * limit)
        near = _least_different(signs, one.signs, most)
        sharing = _most_shared(shared, signs, one.signs, max(_SHARING, 4 * limit))
        looked_at = {sort: self._look_at(sort, one, sort in signs, shared) for sort in {*near, *sharing}}
        best = {
            *heapq.nlargest(limit, ((*looked_at[sort], sort) for sort in near)),
            *heapq.nlargest(limit, ((shared[sort], looked_at[sort].hit, sort) for sort in sharing)),
        }
        found = {sort: looked_at[sort].hit for *_, sort in best}
        return sorted(((self.rows[sort], hit) for sort, hit in found.items()), key=lambda one: one[1], reverse=True)

    def _look_at(self, sort: str, one: Direction, comparable: bool, shared: Mapping[str, int]) -> "_LookedAt":
        row = self.rows[sort]
        cosine = vectors.cosine(one, row.item["x"]["B"]) if comparable else 0.0
        score = min(max(cosine, 0.0), 1.0)
        return _LookedAt(cosine, Hit(score, shared.get(sort, 0), row.created_at, row.id))

    def _shared(self, words: Iterable[str]) -> Counter[str]:
        """How many of the words each memory shares that shares any."""
        wanted = {plain for plain in map(plain_words, words) if plain.strip()}
        texts = self._texts.items()
        return Counter(sort for word in wanted for sort, text in texts if word in text)

    @cached_property
    def _signs(self) -> Mapping[tuple[str | None, int], Mapping[str, int]]:
        """By model and dimensions."""
        signs: dict[tuple[str | None, int], dict[str, int]] = defaultdict(dict)
        for sort, row in self.rows.items():
            if not row.ended and "x" in row.item:
                signs[row.model, vectors.dimensions(row.item["x"]["B"])][sort] = row.signs
        return dict(signs)

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {sort: row.words for sort, row in self.rows.items() if not row.ended}

    @cached_property
    def _first_expiry(self) -> int | None:
        return min((row.expires_at for row in self.rows.values() if row.expires_at is not None), default=None)


class _LookedAt(NamedTuple):
    cosine: float
    hit: Hit


def _least_different(signs: Mapping[str, int], one: int, most: int) -> list[str]:
    if len(signs) <= max(EXACT_UPTO, most):
        return list(signs)
    differences = [(one ^ other).bit_count() for other in signs.values()]
    nearest = heapq.nsmallest(most, zip(differences, signs, strict=True))
    return [sort for _, sort in nearest]


def _most_shared(shared: Mapping[str, int], signs: Mapping[str, int], one: int, most: int) -> list[str]:
    """Among those that share as many words, the nearest first."""
    if len(shared) <= most:
        return list(shared)
    last = max(one.bit_length(), 1) * 4
    ranked = (
        (-count, (one ^ signs[sort]).bit_count() if sort in signs else last, sort) for sort, count in shared.items()
    )
    return [sort for *_, sort in heapq.nsmallest(most, ranked)]
