"""A memory that is contradicted ends, and is told from what ended it; neither is erased."""

import pytest

from sessionful.domain.error import InvalidRequest, MemoryNotFound
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import (
    EAST,
    HERE,
    MINE,
    MODEL,
    NORTH,
    a_memory,
    a_source,
    everything,
    texts_in,
    texts_of,
)
from tests.contracts.banks import OpenedBank
from tests.contracts.clock import NOON, ManualClock

ROME = a_memory("Ada lives in Rome", id="rome", sources=(a_source("a"),), model=MODEL, vector=EAST)
OSLO = a_memory(
    "Ada lives in Oslo", id="oslo", created_at=NOON + 7, sources=(a_source("b"),), model=MODEL, vector=NORTH
)


async def test_the_two_name_each_other(bank: MemoryBank) -> None:
    await bank.store([ROME])
    kept = await bank.supersede(MINE, "rome", OSLO)
    assert (kept.id, kept.supersedes, kept.ended_at) == ("oslo", ("rome",), None)
    assert await bank.get(MINE, "oslo") == kept
    old = await bank.get(MINE, "rome")
    assert (old.superseded_by, old.ended_at, old.sources, old.text) == ("oslo", NOON + 7, ROME.sources, ROME.text)


async def test_only_the_new_one_is_found(bank: MemoryBank) -> None:
    await bank.store([ROME])
    await bank.supersede(MINE, "rome", OSLO)
    assert texts_of(await bank.search(MINE, EAST, MODEL, ["ada", "rome"], 5)) == ["Ada lives in Oslo"]
    assert await texts_in(bank) == ["Ada lives in Oslo"]
    assert await texts_in(bank, ended=True) == ["Ada lives in Oslo", "Ada lives in Rome"]
    assert [one.id for one in await bank.unlike(MINE, "other", 5)] == ["oslo"]


async def test_a_chain_is_kept(bank: MemoryBank) -> None:
    await bank.store([ROME])
    await bank.supersede(MINE, "rome", OSLO)
    await bank.supersede(MINE, "oslo", a_memory("Ada lives in Rome", id="again", created_at=NOON + 8))
    shown = [(one.id, one.supersedes, one.superseded_by) for one in await everything(bank)]
    assert shown == [("again", ("oslo",), None), ("oslo", ("rome",), "again"), ("rome", (), "oslo")]


async def test_one_that_is_known_already_takes_the_place_of_the_other(bank: MemoryBank) -> None:
    bern = a_memory("Ada lives in Bern", id="bern", created_at=NOON - 5)
    await bank.store([ROME, bern])
    again = a_memory("Ada lives in Bern", id="new", created_at=NOON + 9, sources=(a_source("b"),))
    kept = await bank.supersede(MINE, "rome", again)
    assert (kept.id, kept.supersedes, kept.sources) == ("bern", ("rome",), (a_source("b"),))
    assert await bank.get(MINE, "bern") == kept
    old = await bank.get(MINE, "rome")
    assert (old.superseded_by, old.ended_at) == ("bern", NOON + 9)
    with pytest.raises(MemoryNotFound):
        await bank.get(MINE, "new")


async def test_one_of_the_same_text_ends_it_all_the_same(bank: MemoryBank) -> None:
    await bank.store([ROME])
    again = a_memory("ADA lives in Rome", id="again", created_at=NOON + 1)
    kept = await bank.supersede(MINE, "rome", again)
    assert kept == again.model_copy(update={"supersedes": ("rome",)})
    assert await everything(bank, ended=False) == [kept]
    assert (await bank.get(MINE, "rome")).superseded_by == "again"


async def test_one_that_is_gone_or_has_ended_cannot_be_contradicted(
    opened_bank: OpenedBank, clock: ManualClock
) -> None:
    bank = opened_bank.bank
    await bank.store([ROME, a_memory("soon gone", id="brief", expires_at=NOON + 1)])
    await bank.supersede(MINE, "rome", OSLO)
    clock.advance(1)
    count = len(await everything(bank))
    for gone in ("rome", "brief", "never", ""):
        with pytest.raises(MemoryNotFound):
            await bank.supersede(MINE, gone, a_memory("Ada lives in Bern"))
    with pytest.raises(MemoryNotFound):
        await bank.supersede(HERE, "oslo", a_memory("Ada lives in Bern", HERE))
    assert len(await everything(bank)) == count
    assert await everything(bank, HERE) == []


async def test_a_contradiction_of_another_scope_or_of_itself_is_refused(bank: MemoryBank) -> None:
    await bank.store([ROME, a_memory("a third", id="third")])
    for by in (a_memory("elsewhere", HERE), a_memory("itself", id="rome"), a_memory("taken", id="third")):
        with pytest.raises(InvalidRequest):
            await bank.supersede(MINE, "rome", by)
    assert sorted(await texts_in(bank)) == ["Ada lives in Rome", "a third"]
    assert await everything(bank, HERE) == []
