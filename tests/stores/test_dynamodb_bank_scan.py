"""A scope searched in memory: as the exact search of the other banks has it, and quickly when there are thousands."""

import math
import random

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.memory import Memory
from sessionful.stores.dynamodb.bank import places, vectors
from sessionful.stores.dynamodb.bank.codec import Kept, write_memory
from sessionful.stores.dynamodb.bank.scan import EXACT_UPTO, Row, Scan
from sessionful.stores.dynamodb.table import SORT
from sessionful.stores.nearness import Nearest, packed, plain_words
from sessionful.stores.nearness import Row as ExactRow
from tests.contracts.bank_samples import MINE, a_memory
from tests.contracts.clock import NOON
from tests.stores.dynamodb_banks import MODEL, a_vector

WORDS = ["rome", "oslo", "bern", "cheese", "violin", "tuesday"]
THOUSANDS = 2_500


def a_scan(memories: list[Memory]) -> Scan:
    items = [write_memory(places.partition(MINE), Kept(one, by_hand=False)) for one in memories]
    return Scan("v", {item[SORT]["S"]: Row.of(item) for item in items})


def near(vector: tuple[float, ...], other: int, share: float) -> tuple[float, ...]:
    """A vector whose cosine with the first one is about `share`."""
    mixed = [share * a + math.sqrt(1 - share**2) * b for a, b in zip(vector, a_vector(other, len(vector)), strict=True)]
    length = math.sqrt(sum(one * one for one in mixed))
    return tuple(one / length for one in mixed)


def some_memories(count: int, dimensions: int) -> list[Memory]:
    drawn = random.Random(5)
    return [
        a_memory(
            " ".join(drawn.sample(WORDS, 3)) + f" {number}",
            id=f"m{number:05d}",
            created_at=NOON + drawn.randrange(9),
            model=MODEL if number % 7 else "other",
            vector=a_vector(number, dimensions),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("words", [[], ["rome"], ["Oslo", "cheese", "nowhere"]])
@pytest.mark.parametrize("limit", [1, 5, 40])
def test_a_scope_of_hundreds_is_searched_as_exactly_as_in_any_other_bank(words: list[str], limit: int) -> None:
    memories = some_memories(300, 64)
    scan = a_scan(memories)
    for number in range(1_000, 1_010):
        asked = a_vector(number, 64)
        exact = Nearest(asked, words, limit)
        rounded = [vectors.unpack(vectors.pack(one.vector)) for one in memories]
        exact.look_at(
            [
                ExactRow(one.id, one.created_at, packed(vector) if one.model == MODEL else None, plain_words(one.text))
                for one, vector in zip(memories, rounded, strict=True)
            ]
        )
        found = [hit for _, hit in scan.search(vectors.direction(asked), MODEL, words, limit)]
        expected = exact.best()
        assert [hit.key for hit in found] == [hit.key for hit in expected]
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-5)


@pytest.mark.parametrize("dimensions", [256, 1024])
@pytest.mark.parametrize("share", [0.45, 0.8])
def test_the_nearest_of_thousands_are_found_by_their_signs(dimensions: int, share: float) -> None:
    assert THOUSANDS > EXACT_UPTO
    asked = a_vector(70_000, dimensions)
    memories = [
        a_memory(f"fact {number}", id=f"m{number:05d}", model=MODEL, vector=a_vector(number, dimensions))
        for number in range(THOUSANDS)
    ]
    planted = {f"near {number}" for number in range(10)}
    for number, name in enumerate(sorted(planted)):
        memories.append(a_memory(name, id=name, model=MODEL, vector=near(asked, 9_000 + number, share)))
    found = a_scan(memories).search(vectors.direction(asked), MODEL, [], 10)
    assert {row.id for row, _ in found} == planted


def test_among_thousands_that_share_a_word_those_that_share_more_or_are_nearer_are_found() -> None:
    asked = a_vector(70_000)
    memories = [
        a_memory(f"ada likes thing {number}", id=f"m{number:05d}", model=MODEL, vector=a_vector(number))
        for number in range(THOUSANDS)
    ]
    memories.append(a_memory("ada likes cheese", id="both words"))
    memories.append(a_memory("likes it, too", id="near", model=MODEL, vector=near(asked, 9_000, 0.7)))
    found = a_scan(memories).search(vectors.direction(asked), MODEL, ["likes", "cheese"], 2)
    assert found[0][0].id == "near"
    assert "both words" in {row.id for row, _ in found}
    assert len(found) <= 4


def test_a_search_of_nothing_or_for_nothing_finds_nothing() -> None:
    assert Scan(None).search(vectors.direction(a_vector(0)), MODEL, ["rome"], 5) == []
    scan = a_scan([a_memory("Rome", model=MODEL, vector=a_vector(0))])
    assert scan.search(vectors.direction(()), MODEL, [" ", ""], 5) == []
    assert [row.ended for row, _ in scan.search(vectors.direction(()), MODEL, ["rome"], 5)] == [False]


@pytest.mark.parametrize("dimensions", [1, 2, 3, 256, 1024])
def test_a_vector_is_kept_to_a_hundredth_and_once_kept_stays_the_same(dimensions: int) -> None:
    for number in range(20):
        vector = a_vector(number, dimensions)
        kept = vectors.unpack(vectors.pack(vector))
        assert kept == pytest.approx(vector, abs=0.005)
        assert vectors.pack(kept) == vectors.pack(vector)
        asked = a_vector(number + 1, dimensions)
        exact = sum(a * b for a, b in zip(asked, vector, strict=True))
        assert vectors.cosine(vectors.direction(asked), vectors.pack(vector)) == pytest.approx(exact, abs=0.005)


def test_the_signs_of_a_vector_are_those_of_its_direction() -> None:
    for number in range(20):
        vector = a_vector(number)
        kept, opposite = vectors.signs(vectors.pack(vector)), vectors.direction([-one for one in vector]).signs
        assert (kept ^ vectors.direction(vector).signs).bit_count() <= 6  # numbers that were rounded to zero
        assert (kept ^ opposite).bit_count() >= 250


@pytest.mark.parametrize("odd", [(), (0.0, 0.0), (-0.0,), (1e-300, 0.0)])
def test_a_vector_of_no_length_is_kept(odd: tuple[float, ...]) -> None:
    assert vectors.unpack(vectors.pack(odd)) == pytest.approx(odd, abs=1e-9)
    assert vectors.cosine(vectors.direction(odd), vectors.pack(odd)) == 0.0


@pytest.mark.parametrize("wrong", [(math.nan,), (math.inf, 0.0), (1e300,)])
def test_a_vector_that_is_none_is_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(InvalidRequest):
        vectors.pack(wrong)
