"""What is stored is found at once, and the same text is kept once, with everybody who said it."""

import pytest

from sessionful.domain.error import MemoryNotFound
from sessionful.domain.memory import Scope
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import (
    EAST,
    HERE,
    MINE,
    MODEL,
    NORTH,
    SHARED,
    a_memory,
    a_source,
    alike,
    everything,
    texts_in,
    texts_of,
)
from tests.contracts.banks import OpenedBank
from tests.contracts.clock import NOON


@pytest.mark.parametrize("scope", [MINE, HERE, SHARED])
async def test_what_is_stored_is_found_by_the_next_read(bank: MemoryBank, scope: Scope) -> None:
    memory = a_memory("Ada lives in Rome", scope, sources=(a_source(),), model=MODEL, vector=EAST)
    (kept,) = await bank.store([memory])
    assert alike(kept, memory)
    assert alike(await bank.get(scope, memory.id), memory)
    assert [alike(one, memory) for one in await everything(bank, scope)] == [True]
    assert texts_of(await bank.search(scope, EAST, MODEL, [], 5)) == ["Ada lives in Rome"]
    assert texts_of(await bank.search(scope, EAST, "other", ["rome"], 5)) == ["Ada lives in Rome"]
    assert [one.id for one in await bank.unlike(scope, "other", 5)] == [memory.id]


async def test_many_are_stored_at_once_each_in_its_own_scope(bank: MemoryBank) -> None:
    scopes = [HERE, SHARED, MINE, SHARED, HERE]
    given = [a_memory(f"fact {number}", scope) for number, scope in enumerate(scopes)]
    assert await bank.store(given) == given
    for scope in scopes:
        assert sorted(await texts_in(bank, scope)) == [one.text for one in given if one.scope == scope]


async def test_more_than_one_write_can_hold_are_stored_together(bank: MemoryBank) -> None:
    given = [a_memory(f"fact {number}", created_at=NOON + number, sources=(a_source(),)) for number in range(230)]
    assert [one.id for one in await bank.store(given)] == [one.id for one in given]
    assert await everything(bank) == given[::-1]


async def test_nothing_is_stored_of_nothing(opened_bank: OpenedBank) -> None:
    clean = await opened_bank.raw_count()
    assert await opened_bank.bank.store([]) == []
    assert await opened_bank.raw_count() == clean


async def test_the_same_text_gains_the_sources_of_who_says_it_again(bank: MemoryBank) -> None:
    first = a_memory("Ada lives in Rome", sources=(a_source("monday", 1), a_source("monday", 2)))
    again = a_memory(
        "ada  lives in ROME.", created_at=NOON + 9, sources=(a_source("tuesday", 5), a_source("monday", 2))
    )
    await bank.store([first])
    (kept,) = await bank.store([again])
    expected = first.model_copy(update={"sources": (*first.sources, a_source("tuesday", 5))})
    assert kept == expected
    assert await everything(bank) == [expected]
    assert await bank.get(MINE, first.id) == expected
    with pytest.raises(MemoryNotFound):
        await bank.get(MINE, again.id)


async def test_twins_of_one_batch_become_one(bank: MemoryBank) -> None:
    first, other, again = (
        a_memory("x", sources=(a_source("a"),)),
        a_memory("y"),
        a_memory("X", sources=(a_source("b"),)),
    )
    kept = await bank.store([first, other, again])
    assert [one.id for one in kept] == [first.id, other.id, first.id]
    merged = first.model_copy(update={"sources": (a_source("a"), a_source("b"))})
    assert await bank.get(MINE, first.id) == merged
    assert sorted(await texts_in(bank)) == ["x", "y"]


async def test_the_same_text_in_two_scopes_is_two_memories(bank: MemoryBank) -> None:
    given = [a_memory("Ada lives in Rome", scope, sources=(a_source(),)) for scope in (MINE, HERE, SHARED)]
    assert await bank.store(given) == given
    for memory in given:
        assert await everything(bank, memory.scope) == [memory]


async def test_storing_the_same_twice_is_storing_it_once(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    memory = a_memory(sources=(a_source(turn=1), a_source(turn=2), a_source(turn=1)), model=MODEL, vector=EAST)
    (kept,) = await bank.store([memory])
    assert kept.sources == (a_source(turn=1), a_source(turn=2))
    count = await opened_bank.raw_count()
    assert await bank.store([memory]) == [kept]
    assert await bank.store([memory, memory]) == [kept, kept]
    assert await everything(bank) == [kept]
    assert await opened_bank.raw_count() == count


async def test_a_memory_of_a_known_id_is_not_stored_again(bank: MemoryBank) -> None:
    first = a_memory("Ada lives in Rome")
    await bank.store([first])
    assert await bank.store([a_memory("Ada lives in Oslo", id=first.id)]) == [first]
    assert await everything(bank) == [first]


async def test_what_has_ended_is_not_brought_back_by_a_repetition(bank: MemoryBank) -> None:
    first, second = a_memory("Ada lives in Rome"), a_memory("Ada lives in Oslo")
    await bank.store([first])
    await bank.supersede(MINE, first.id, second)
    (kept,) = await bank.store([first])
    assert (kept.id, kept.superseded_by) == (first.id, second.id)
    assert await texts_in(bank) == ["Ada lives in Oslo"]


async def test_what_has_ended_is_no_twin_of_what_is_said_anew(bank: MemoryBank) -> None:
    first, second, third = a_memory("Rome"), a_memory("Oslo"), a_memory("rome", created_at=NOON + 5)
    await bank.store([first])
    await bank.supersede(MINE, first.id, second)
    assert await bank.store([third]) == [third]
    assert sorted(await texts_in(bank)) == ["Oslo", "rome"]
    assert (await bank.get(MINE, first.id)).ended_at == NOON


async def test_a_merged_memory_takes_the_vector_that_it_lacked_and_keeps_its_own(bank: MemoryBank) -> None:
    bare, embedded = a_memory("x", id="one"), a_memory("x", model=MODEL, vector=EAST)
    await bank.store([bare])
    (kept,) = await bank.store([embedded])
    assert alike(kept, bare.model_copy(update={"model": MODEL, "vector": EAST}))
    (kept,) = await bank.store([a_memory("x", model="other", vector=NORTH)])
    assert kept.model == MODEL
    assert [hit.memory.id for hit in await bank.search(MINE, EAST, MODEL, [], 1)] == ["one"]


async def test_a_memory_of_many_sources_keeps_them_all(bank: MemoryBank) -> None:
    sources = [a_source(f"log {number}", turn=number + 1) for number in range(300)]
    for start in range(0, 300, 60):
        await bank.store([a_memory("said often", id="often", sources=tuple(sources[start : start + 60]))])
    assert (await bank.get(MINE, "often")).sources == tuple(sources)
