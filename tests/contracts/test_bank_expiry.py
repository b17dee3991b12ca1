"""What has expired is found by nobody, and is in nobody's way, whenever the store erases it."""

import pytest

from sessionful.domain.error import MemoryNotFound
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import EAST, MINE, MODEL, a_memory, a_source, everything, texts_in, texts_of
from tests.contracts.banks import OpenedBank
from tests.contracts.clock import NOON, ManualClock


async def test_an_expired_memory_is_found_by_no_read(bank: MemoryBank, clock: ManualClock) -> None:
    brief = a_memory("brief", id="brief", expires_at=NOON + 10, model=MODEL, vector=EAST)
    await bank.store([brief, a_memory("lasting", model=MODEL, vector=EAST)])
    clock.advance(9)
    assert sorted(texts_of(await bank.search(MINE, EAST, MODEL, [], 5))) == ["brief", "lasting"]
    clock.advance(1)
    assert texts_of(await bank.search(MINE, EAST, MODEL, ["brief"], 5)) == ["lasting"]
    assert await texts_in(bank) == await texts_in(bank, ended=True) == ["lasting"]
    assert [one.text for one in await bank.unlike(MINE, "other", 5)] == ["lasting"]
    with pytest.raises(MemoryNotFound):
        await bank.get(MINE, "brief")
    with pytest.raises(MemoryNotFound):
        await bank.delete(MINE, "brief")
    await bank.revector(MINE, [("brief", "other", EAST)])
    await bank.forget(MINE, "log")
    assert await texts_in(bank) == ["lasting"]


async def test_pages_are_full_although_some_have_expired(bank: MemoryBank, clock: ManualClock) -> None:
    for number in range(12):
        expires_at = NOON + 1 if number % 3 else None
        await bank.store([a_memory(f"m{number}", created_at=NOON + number, expires_at=expires_at)])
    clock.advance(1)
    page = await bank.page(MINE, 3)
    assert [one.text for one in page.memories] == ["m9", "m6", "m3"]
    assert [one.text for one in await everything(bank, limit=2)] == ["m9", "m6", "m3", "m0"]


async def test_what_is_said_again_after_it_expired_is_a_new_memory(opened_bank: OpenedBank, clock: ManualClock) -> None:
    bank = opened_bank.bank
    await bank.store([a_memory("Rome", id="old", expires_at=NOON + 1, sources=(a_source("old"),))])
    clock.advance(1)
    again = a_memory("Rome", id="new", sources=(a_source("new"),))
    assert await bank.store([again]) == [again]
    assert await everything(bank) == [again]
    await bank.erase(MINE)


async def test_the_id_of_an_expired_memory_is_free(bank: MemoryBank, clock: ManualClock) -> None:
    await bank.store([a_memory("Rome", id="one", expires_at=NOON + 1)])
    clock.advance(1)
    again = a_memory("Oslo", id="one")
    assert await bank.store([again]) == [again]
    assert await bank.get(MINE, "one") == again


@pytest.mark.parametrize(("first", "second", "until"), [(5, 9, 9), (9, 5, 9), (5, None, None), (None, 5, None)])
async def test_what_is_said_again_is_kept_for_the_longer_of_the_two(
    bank: MemoryBank, clock: ManualClock, first: int | None, second: int | None, until: int | None
) -> None:
    for ms in (first, second):
        expires_at = None if ms is None else NOON + ms
        (kept,) = await bank.store([a_memory("Rome", id="one", expires_at=expires_at)])
    assert kept.expires_at == (None if until is None else NOON + until)
    assert await bank.get(MINE, "one") == kept
    clock.advance(8)
    assert await texts_in(bank) == ["Rome"]
    clock.advance(1)
    assert await texts_in(bank) == ([] if until else ["Rome"])


async def test_an_expired_memory_is_not_the_one_that_a_contradiction_is_merged_into(
    bank: MemoryBank, clock: ManualClock
) -> None:
    await bank.store([a_memory("Rome", id="rome"), a_memory("Oslo", id="brief", expires_at=NOON + 1)])
    clock.advance(1)
    kept = await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo"))
    assert kept.id == "oslo"
    assert (await bank.get(MINE, "rome")).superseded_by == "oslo"


async def test_what_has_expired_goes_with_its_scope(opened_bank: OpenedBank, clock: ManualClock) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    await bank.store([a_memory(f"m{n}", expires_at=NOON + 1, sources=(a_source(),)) for n in range(4)])
    clock.advance(1)
    await bank.erase(MINE)
    assert await opened_bank.raw_count() == clean
