"""Search in a bank: which memories are nearest by meaning, and which share words. Exact: everything is looked at.

Vectors are of length 1, as embedders make them, so that a product is a cosine. NumPy is used where it is installed, and
loaded only for a scan that is worth it.
"""

import heapq
import math
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from operator import mul
from typing import Any, NamedTuple

from sessionful.domain.error import InvalidRequest

BATCH = 1_000
"""Rows that a scan should hand over at a time: as many as make NumPy worth loading."""

_DIACRITIC = 10  # canonical combining classes from here on are accents and vowel points; below are parts of letters
_UNSPACED = (  # scripts that put no space between words: each of their characters counts as one
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u3400", "\u9fff"),  # Han
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)


class Row(NamedTuple):
    """What a search looks at: a memory's key, its vector as `packed` wrote it (None where another model made it) and
    its text as `plain_words` wrote it."""

    key: str
    created_at: int
    vector: bytes | None
    words: str


class Hit(NamedTuple):
    """Sorts with the best one last: by cosine, by how many words it shares, by how new it is."""

    score: float
    shared: int
    created_at: int
    key: str


class Nearest:
    """The best of the rows that it is shown, a batch at a time: `limit` by meaning and `limit` by words."""

    def __init__(self, vector: Sequence[float], words: Iterable[str], limit: int) -> None:
        length = math.sqrt(sum(map(mul, vector, vector)))
        self._vector = tuple(number / length for number in vector) if length else tuple(vector)
        self._words = {plain for plain in map(plain_words, words) if plain.strip()}
        self._limit = limit
        self._by_meaning: list[tuple[float, Hit]] = []
        self._by_words: list[tuple[int, Hit]] = []

    def look_at(self, rows: Sequence[Row]) -> None:
        cosines = self._cosines([row.vector for row in rows])
        floor = self._by_meaning[-1][0] if len(self._by_meaning) >= self._limit > 0 else -math.inf
        near: list[tuple[float, Hit]] = []
        sharing: list[tuple[int, Hit]] = []
        for row, cosine in zip(rows, cosines, strict=True):
            shared = sum([word in row.words for word in self._words])
            if shared:
                sharing.append((shared, _hit(row, cosine, shared)))
            if cosine is not None and cosine >= floor:
                near.append((cosine, _hit(row, cosine, shared)))
        self._by_meaning = heapq.nlargest(self._limit, chain(self._by_meaning, near))
        self._by_words = heapq.nlargest(self._limit, chain(self._by_words, sharing))

    def best(self) -> list[Hit]:
        hits = {hit for _, hit in chain(self._by_meaning, self._by_words)}
        return sorted(hits, reverse=True)

    def _cosines(self, vectors: Sequence[bytes | None]) -> list[float | None]:
        """None for one that cannot be compared: of another size, or with something in it that is no number."""
        size = 4 * len(self._vector)
        comparable = [at for at, vector in enumerate(vectors) if size and vector is not None and len(vector) == size]
        cosines: list[float | None] = [None] * len(vectors)
        if not comparable:
            return cosines
        for at, cosine in zip(
            comparable, _products(self._vector, [vectors[at] or b"" for at in comparable]), strict=True
        ):
            cosines[at] = None if math.isnan(cosine) else cosine
        return cosines


def _hit(row: Row, cosine: float | None, shared: int) -> Hit:
    return Hit(0.0 if cosine is None else min(max(cosine, 0.0), 1.0), shared, row.created_at, row.key)


def packed(vector: Sequence[float]) -> bytes:
    """As numbers of 32 bits. Raises InvalidRequest for one that has no room there."""
    try:
        return struct.pack(f"<{len(vector)}f", *vector)
    except OverflowError:
        raise InvalidRequest("a vector's numbers are out of range", field="vector") from None


def unpacked(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def plain_words(text: str) -> str:
    """The words of a text without case and diacritics, with a space before, between and after them: some words are
    among them, in this order, exactly when theirs is a part of it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.combining(letter) < _DIACRITIC)
    spaced = "".join(map(_spaced, unicodedata.normalize("NFKC", bare).casefold()))
    return f" {' '.join(spaced.split())} "


@cache
def _spaced(character: str) -> str:
    if any(first <= character <= last for first, last in _UNSPACED):
        return f" {character} "
    return character if character.isalnum() or unicodedata.category(character).startswith("M") else " "


def _products(vector: Sequence[float], others: Sequence[bytes]) -> Iterator[float]:
    numpy = _numpy() if len(others) >= BATCH else None
    if numpy is not None:
        table = numpy.frombuffer(b"".join(others), dtype="<f4").reshape(len(others), -1)
        yield from (table @ numpy.asarray(vector, dtype="<f4")).tolist()
        return
    for other in struct.iter_unpack(f"<{len(vector)}f", b"".join(others)):
        yield _product(vector, other)


def _summed(one: Sequence[float], other: Sequence[float]) -> float:
    total: float = sum(map(mul, one, other))
    return total


_product: Callable[[Sequence[float], Sequence[float]], float] = getattr(math, "sumprod", _summed)
"""Python has it from 3.12 on."""


@cache
def _numpy() -> Any:
    return import_module("numpy") if find_spec("numpy") else None
