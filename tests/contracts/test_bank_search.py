"""Search: the nearest by meaning together with those that share words, best first."""

from itertools import permutations

import pytest

from sessionful.domain.memory import Found
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import (
    EAST,
    EXACTNESS,
    HERE,
    MINE,
    MODEL,
    NORTH,
    NORTH_EAST,
    UP,
    WEST,
    a_memory,
    alike,
    texts_of,
)
from tests.contracts.clock import NOON

NOWHERE = (0.0, 0.0, 0.0, 0.0)


def scores(found: list[Found]) -> list[float]:
    return [one.score for one in found]


async def test_the_nearest_come_first_with_their_cosines(bank: MemoryBank) -> None:
    places = {"north": NORTH, "east": EAST, "north east": NORTH_EAST, "up": UP}
    await bank.store([a_memory(text, model=MODEL, vector=vector) for text, vector in places.items()])
    found = await bank.search(MINE, EAST, MODEL, [], 2)
    assert texts_of(found) == ["east", "north east"]
    assert scores(found) == pytest.approx([1.0, 0.6], abs=EXACTNESS)
    found = await bank.search(MINE, NORTH_EAST, MODEL, [], 3)
    assert texts_of(found) == ["north east", "north", "east"]
    assert scores(found) == pytest.approx([1.0, 0.8, 0.6], abs=EXACTNESS)


async def test_what_is_found_is_whole(bank: MemoryBank) -> None:
    memory = a_memory("Ada lives in Rome", model=MODEL, vector=NORTH_EAST)
    await bank.store([memory])
    (found,) = await bank.search(MINE, EAST, MODEL, ["rome"], 5)
    assert alike(found.memory, memory)


async def test_the_opposite_scores_nothing_and_never_less(bank: MemoryBank) -> None:
    await bank.store([a_memory("west", model=MODEL, vector=WEST)])
    found = await bank.search(MINE, EAST, MODEL, ["west"], 5)
    assert (texts_of(found), scores(found)) == (["west"], [0.0])


async def test_at_most_so_many_are_found_by_each_of_the_two(bank: MemoryBank) -> None:
    for number in range(6):
        await bank.store([a_memory(f"near {number}", model=MODEL, vector=EAST)])
        await bank.store([a_memory(f"said {number}")])
    found = texts_of(await bank.search(MINE, EAST, MODEL, ["said"], 2))
    assert [text.split()[0] for text in found] == ["near", "near", "said", "said"]
    assert len(set(found)) == 4
    assert await bank.search(MINE, EAST, MODEL, [], 0) == []


async def test_what_is_near_and_shares_words_is_found_once(bank: MemoryBank) -> None:
    await bank.store([a_memory("Rome", model=MODEL, vector=NORTH_EAST), a_memory("no", model=MODEL, vector=UP)])
    found = await bank.search(MINE, EAST, MODEL, ["rome", "Rome"], 5)
    assert texts_of(found)[0] == "Rome"
    assert len(found) == len({one.memory.id for one in found})


async def test_what_shares_words_scores_its_cosine_also_when_others_are_nearer(bank: MemoryBank) -> None:
    await bank.store([a_memory("Rome", model=MODEL, vector=NORTH_EAST), a_memory("Oslo", model=MODEL, vector=EAST)])
    found = await bank.search(MINE, EAST, MODEL, ["rome"], 1)
    assert texts_of(found) == ["Oslo", "Rome"]
    assert scores(found) == pytest.approx([1.0, 0.6], abs=EXACTNESS)


async def test_what_has_no_vector_is_found_by_its_words_and_scores_nothing(bank: MemoryBank) -> None:
    await bank.store([a_memory("Ada lives in Rome")])
    assert await bank.search(MINE, EAST, MODEL, [], 5) == []
    found = await bank.search(MINE, EAST, MODEL, ["Rome"], 5)
    assert (texts_of(found), scores(found)) == (["Ada lives in Rome"], [0.0])


async def test_who_shares_more_words_is_found_before_who_shares_fewer(bank: MemoryBank) -> None:
    await bank.store([a_memory(text) for text in ("Ada sails", "Ada lives in Rome", "Ada lives in Oslo", "Bo sails")])
    found = await bank.search(MINE, (), MODEL, ["ada", "lives", "rome"], 2)
    assert sorted(texts_of(found)) == ["Ada lives in Oslo", "Ada lives in Rome"]
    assert texts_of(await bank.search(MINE, (), MODEL, ["ada", "lives", "rome"], 1)) == ["Ada lives in Rome"]


async def test_vectors_of_two_models_are_never_compared(bank: MemoryBank) -> None:
    await bank.store(
        [
            a_memory("ours", model=MODEL, vector=NORTH_EAST),
            a_memory("theirs", model="other:4", vector=EAST),
            a_memory("longer", model="other:5", vector=(1.0, 0.0, 0.0, 0.0, 0.0)),
            a_memory("bare"),
        ]
    )
    assert texts_of(await bank.search(MINE, EAST, MODEL, [], 5)) == ["ours"]
    assert texts_of(await bank.search(MINE, EAST, "other:4", [], 5)) == ["theirs"]
    assert texts_of(await bank.search(MINE, EAST, "unknown", [], 5)) == []
    found = await bank.search(MINE, EAST, MODEL, ["theirs", "longer"], 5)
    assert {one.memory.text: one.score > 0 for one in found} == {"ours": True, "theirs": False, "longer": False}


async def test_what_another_model_embedded_is_told_and_can_be_embedded_anew(bank: MemoryBank) -> None:
    ours, theirs = a_memory("ours", model=MODEL, vector=NORTH), a_memory("theirs", model="other", vector=UP)
    ended, bare = a_memory("ended", model="other", vector=UP), a_memory("bare")
    await bank.store([ours, theirs, ended, bare])
    await bank.supersede(MINE, ended.id, a_memory("new", id="new", model=MODEL, vector=UP))
    unlike = await bank.unlike(MINE, MODEL, 9)
    assert sorted(one.text for one in unlike) == ["bare", "theirs"]
    assert alike(next(one for one in unlike if one.id == theirs.id), theirs)
    assert len(await bank.unlike(MINE, MODEL, 1)) == 1
    anew = [(theirs.id, MODEL, EAST), ("gone", MODEL, EAST), (bare.id, MODEL, NORTH_EAST)]
    await bank.revector(MINE, anew)
    assert await bank.unlike(MINE, MODEL, 9) == []
    assert texts_of(await bank.search(MINE, EAST, MODEL, [], 2)) == ["theirs", "bare"]
    assert alike(await bank.get(MINE, theirs.id), theirs.model_copy(update={"model": MODEL, "vector": EAST}))
    assert sorted(one.text for one in await bank.unlike(MINE, "other", 9)) == ["bare", "new", "ours", "theirs"]
    await bank.revector(MINE, anew)
    await bank.revector(MINE, [])
    assert texts_of(await bank.search(MINE, EAST, MODEL, [], 2)) == ["theirs", "bare"]


async def test_embedding_anew_changes_nothing_else(bank: MemoryBank) -> None:
    given = a_memory("x", expires_at=NOON + 5, model="other", vector=UP)
    await bank.store([given])
    kept = await bank.supersede(MINE, given.id, a_memory("y", model="other", vector=UP))
    await bank.revector(MINE, [(kept.id, MODEL, EAST)])
    assert alike(await bank.get(MINE, kept.id), kept.model_copy(update={"model": MODEL, "vector": EAST}))


SAID = [
    ("Ada lives in Rome", ["ROME"]),
    ("Ada lives in ROME!", ["rome"]),
    ("the Café Métropole", ["cafe"]),
    ("the Cafe Metropole", ["MÉTROPOLE"]),
    ("the cafe\u0301", ["café"]),
    ("Straße", ["STRASSE"]),
    ("İstanbul", ["istanbul"]),
    ("Ada's cat", ["ada"]),
    ("e-mail", ["mail"]),
    ("e-mail", ["e-mail"]),
    ("she moved to New York in May", ["new york"]),
    ("room 42", ["42"]),
    ("тёплый", ["ТЕПЛЫЙ"]),
    ("彼女は東京に住んでいます", ["東京"]),
    ("그녀는 서울 출신", ["서울"]),
    ("line\nbreak", ["break"]),
    ("first Rome, then Oslo", ["nothing", "oslo"]),
]
UNSAID = [
    ("concatenate", ["cat"]),
    ("cats", ["cat"]),
    ("cat", ["cats"]),
    ("she moved from York to a new house", ["new york"]),
    ("Rome", ["", " ", "!", "%", "_", ".*"]),
    ("100% sure", ["%"]),
    ("Rome", []),
    ("서울특별시", ["서울"]),
]


@pytest.mark.parametrize(("text", "words"), SAID)
async def test_words_are_found_whatever_their_case_and_diacritics(
    bank: MemoryBank, text: str, words: list[str]
) -> None:
    await bank.store([a_memory(text), a_memory("something else")])
    assert texts_of(await bank.search(MINE, EAST, MODEL, words, 5)) == [text]


@pytest.mark.parametrize(("text", "words"), UNSAID)
async def test_only_whole_words_are_found(bank: MemoryBank, text: str, words: list[str]) -> None:
    await bank.store([a_memory(text)])
    assert await bank.search(MINE, EAST, MODEL, words, 5) == []


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_among_equals_the_order_does_not_depend_on_that_of_storing(
    bank: MemoryBank, order: tuple[int, ...]
) -> None:
    equals = [a_memory(f"Rome {number}", id=f"m{number}", model=MODEL, vector=EAST) for number in range(3)]
    await bank.store(equals)
    for number in order:
        await bank.store([equals[number].model_copy(update={"scope": HERE})])
    for words, limit in (([], 3), ([], 2), (["rome"], 2), (["rome", "2"], 1)):
        expected = texts_of(await bank.search(MINE, EAST, MODEL, words, limit))
        assert texts_of(await bank.search(HERE, EAST, MODEL, words, limit)) == expected
        assert texts_of(await bank.search(MINE, EAST, MODEL, words, limit)) == expected


async def test_nothing_is_found_in_an_empty_scope_or_by_a_vector_of_nothing(bank: MemoryBank) -> None:
    assert await bank.search(MINE, EAST, MODEL, ["rome"], 5) == []
    await bank.store([a_memory("Rome", model=MODEL, vector=EAST)])
    for vector in (NOWHERE, ()):
        assert texts_of(await bank.search(MINE, vector, MODEL, ["rome"], 5)) == ["Rome"]
        assert set(scores(await bank.search(MINE, vector, MODEL, ["rome"], 5))) == {0.0}


async def test_a_changed_memory_is_searched_as_it_is_now(bank: MemoryBank) -> None:
    for number in range(3):
        await bank.store([a_memory(f"fact {number}", id=f"m{number}", model=MODEL, vector=EAST)])
        assert len(await bank.search(MINE, EAST, MODEL, [], 9)) == number + 1
    await bank.delete(MINE, "m0")
    assert sorted(texts_of(await bank.search(MINE, EAST, MODEL, [], 9))) == ["fact 1", "fact 2"]
    await bank.supersede(MINE, "m1", a_memory("news", model=MODEL, vector=EAST))
    assert sorted(texts_of(await bank.search(MINE, EAST, MODEL, [], 9))) == ["fact 2", "news"]
    await bank.erase(MINE)
    assert await bank.search(MINE, EAST, MODEL, ["news"], 9) == []


async def test_the_right_ones_are_found_among_many(bank: MemoryBank) -> None:
    many = [a_memory(f"fact {number}", model=MODEL, vector=NORTH) for number in range(210)]
    many[60] = a_memory("near", model=MODEL, vector=NORTH_EAST)
    many[205] = a_memory("nearest", model=MODEL, vector=EAST)
    await bank.store(many)
    assert texts_of(await bank.search(MINE, EAST, MODEL, [], 2)) == ["nearest", "near"]
    assert "fact 137" in texts_of(await bank.search(MINE, EAST, MODEL, ["137"], 1))
