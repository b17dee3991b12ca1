"""Memories that are stored, contradicted and erased at the same moment."""

import asyncio

import pytest

from sessionful.domain.error import AgentError, MemoryNotFound
from sessionful.domain.memory import Memory
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import EAST, HERE, MINE, MODEL, a_memory, a_source, a_summary, everything, texts_of
from tests.contracts.banks import OpenedBank
from tests.contracts.races import kinds, outcomes

CROWD = 10


async def test_many_who_say_the_same_make_one_memory_with_all_sources(bank: MemoryBank) -> None:
    given = [a_memory("Ada lives in Rome", sources=(a_source(f"log {n}"), a_source("shared"))) for n in range(CROWD)]
    told = await outcomes([bank.store([memory]) for memory in given])
    assert kinds(told) == {"list": CROWD}
    (kept,) = await everything(bank)
    assert {one[0].id for one in told if isinstance(one, list)} == {kept.id}
    assert sorted(source.log for source in kept.sources) == sorted([*(f"log {n}" for n in range(CROWD)), "shared"])


async def test_the_same_batch_stored_by_many_is_stored_once(bank: MemoryBank) -> None:
    given = [a_memory(f"fact {number}", sources=(a_source(),), model=MODEL, vector=EAST) for number in range(6)]
    told = await outcomes([bank.store(given if number % 2 else given[::-1]) for number in range(6)])
    assert kinds(told) == {"list": 6}
    assert sorted(one.id for one in await everything(bank)) == sorted(one.id for one in given)


async def test_nobody_hinders_who_stores_something_else(bank: MemoryBank) -> None:
    told = await outcomes([bank.store([a_memory(f"fact {number}")]) for number in range(CROWD)])
    assert kinds(told) == {"list": CROWD}
    assert len(await everything(bank)) == CROWD


async def test_one_of_many_supersedes(bank: MemoryBank) -> None:
    await bank.store([a_memory("Rome", id="rome")])
    told = await outcomes([bank.supersede(MINE, "rome", a_memory(f"Oslo {n}", id=f"oslo {n}")) for n in range(6)])
    assert kinds(told) == {"Memory": 1, "MemoryNotFound": 5}
    (winner,) = [one for one in told if isinstance(one, Memory)]
    assert await everything(bank, ended=False) == [winner]
    assert (await bank.get(MINE, "rome")).superseded_by == winner.id


async def test_many_contradicted_by_the_same_name_one_memory(bank: MemoryBank) -> None:
    await bank.store([a_memory(f"Rome {n}", id=f"rome {n}") for n in range(5)])
    told = await outcomes([bank.supersede(MINE, f"rome {n}", a_memory("Oslo", id=f"oslo {n}")) for n in range(5)])
    assert kinds(told) == {"Memory": 5}
    (kept,) = await everything(bank, ended=False)
    assert sorted(kept.supersedes) == [f"rome {n}" for n in range(5)]
    assert {(await bank.get(MINE, f"rome {n}")).superseded_by for n in range(5)} == {kept.id}


async def test_a_memory_is_contradicted_or_deleted_and_never_half(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for number in range(4):
        await bank.store([a_memory("Rome", id="rome", sources=(a_source(),))])
        told = await outcomes(
            [bank.supersede(MINE, "rome", a_memory("Oslo", id=f"oslo {number}")), bank.delete(MINE, "rome")]
        )
        left = {one.id for one in await everything(bank)}
        assert left == (set() if isinstance(told[0], MemoryNotFound) else {f"oslo {number}"})
        await bank.erase(MINE)
        assert await opened_bank.raw_count() == clean


async def test_one_of_many_deletes(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    await bank.store([a_memory(id="one", sources=(a_source(),))])
    told = await outcomes([bank.delete(MINE, "one") for _ in range(6)])
    assert kinds(told) == {"NoneType": 1, "MemoryNotFound": 5}
    assert await opened_bank.raw_count() == clean


async def test_what_is_said_elsewhere_while_its_log_is_forgotten_stays(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for _ in range(5):
        await bank.store([a_memory("Rome", sources=(a_source("gone"),))])
        told = await outcomes([bank.forget(MINE, "gone"), bank.store([a_memory("Rome", sources=(a_source("stays"),))])])
        assert kinds(told) == {"NoneType": 1, "list": 1}
        (kept,) = await everything(bank)
        assert kept.sources == (a_source("stays"),)
        await bank.forget(MINE, "stays")
        assert await opened_bank.raw_count() == clean


async def test_what_is_stored_while_its_scope_is_erased_is_there_whole_or_not_at_all(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for _ in range(4):
        await bank.store([a_memory("old")])
        given = [a_memory(f"fact {number}", sources=(a_source(),), model=MODEL, vector=EAST) for number in range(4)]
        await outcomes([bank.erase(MINE), bank.store(given)])
        left = await everything(bank)
        assert {one.text for one in left} <= {one.text for one in given}
        assert len(await bank.search(MINE, EAST, MODEL, [], 9)) == len(left)
        for memory in left:
            await bank.delete(MINE, memory.id)
        assert await opened_bank.raw_count() == clean


async def test_a_scope_erased_by_many_while_others_write_can_be_erased_for_good(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    stores = [bank.store([a_memory(f"fact {number}", sources=(a_source("log"),))]) for number in range(6)]
    await outcomes([*stores, bank.erase(MINE), bank.forget(MINE, "log"), bank.erase(MINE)])
    await bank.erase(MINE)
    assert await everything(bank) == []
    assert await opened_bank.raw_count() == clean


async def test_embedding_anew_does_not_bring_back_what_is_deleted(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for _ in range(5):
        await bank.store([a_memory(id="one")])
        await outcomes([bank.revector(MINE, [("one", MODEL, EAST)]), bank.delete(MINE, "one")])
        assert await everything(bank) == []
        assert await opened_bank.raw_count() == clean


async def test_embedding_anew_loses_no_source_that_comes_meanwhile(bank: MemoryBank) -> None:
    for number in range(5):
        await bank.store([a_memory("Rome", id="one", sources=(a_source("first"),))])
        again = a_memory("Rome", sources=(a_source(f"log {number}"),))
        await outcomes([bank.revector(MINE, [("one", f"model {number}", EAST)]), bank.store([again])])
        kept = await bank.get(MINE, "one")
        assert kept.model == f"model {number}"
        assert f"log {number}" in [source.log for source in kept.sources]


async def test_one_of_many_summaries_of_a_place_stays(bank: MemoryBank) -> None:
    told = await outcomes([bank.keep_summary("ada", "guide", a_summary(f"version {n}")) for n in range(6)])
    assert kinds(told) == {"NoneType": 6}
    first = await bank.summary("ada", "guide", "log")
    await bank.keep_summary("ada", "guide", a_summary("late"))
    assert await bank.summary("ada", "guide", "log") == first


async def test_every_reader_finds_what_was_stored_before_it_asked(bank: MemoryBank) -> None:
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            before = len(stored)
            found = await bank.search(MINE, EAST, MODEL, [], 100)
            assert len(found) >= before
            await asyncio.sleep(0)

    stored: list[Memory] = []

    async def write() -> None:
        try:
            for number in range(15):
                stored.extend(await bank.store([a_memory(f"fact {number}", model=MODEL, vector=EAST)]))
        finally:
            done.set()

    await asyncio.gather(write(), read(), read())
    assert len(await bank.search(MINE, EAST, MODEL, [], 100)) == 15


@pytest.mark.parametrize("loops", [4])
async def test_a_bank_serves_several_event_loops(bank: MemoryBank, loops: int) -> None:
    async def remember(number: int) -> None:
        for scope in (MINE, HERE):
            (kept,) = await bank.store([a_memory("Rome", scope, sources=(a_source(f"log {number}"),))])
            assert a_source(f"log {number}") in kept.sources
        assert texts_of(await bank.search(MINE, EAST, MODEL, ["rome"], 5)) == ["Rome"]

    def elsewhere(number: int) -> None:
        asyncio.run(remember(number))

    await asyncio.gather(*(asyncio.to_thread(elsewhere, number) for number in range(loops)), remember(loops))
    for scope in (MINE, HERE):
        (kept,) = await everything(bank, scope)
        assert len(kept.sources) == loops + 1


async def test_whatever_happens_at_once_no_error_is_a_strange_one(bank: MemoryBank) -> None:
    given = [
        a_memory(f"fact {number % 3}", id=f"m{number}", sources=(a_source(f"log {number}"),)) for number in range(6)
    ]
    await bank.store(given[:3])
    told = await outcomes(
        [
            *(bank.store([memory]) for memory in given),
            *(bank.supersede(MINE, f"m{number}", a_memory(f"fact {number + 1}")) for number in range(3)),
            *(bank.delete(MINE, f"m{number}") for number in range(3)),
            *(bank.forget(MINE, f"log {number}") for number in range(6)),
            bank.revector(MINE, [(f"m{number}", MODEL, EAST) for number in range(6)]),
        ]
    )
    assert {type(one) for one in told if isinstance(one, AgentError)} <= {MemoryNotFound}
    shown = await everything(bank)
    assert len({one.digest for one in shown if one.ended_at is None}) == sum(one.ended_at is None for one in shown)
