"""Pages: newest first, everything once, also while others write."""

from itertools import permutations

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.ports import MemoryBank
from sessionful.stores.cursor import ListPlace, write_cursor
from tests.contracts.bank_samples import HERE, MINE, a_memory, everything, texts_in
from tests.contracts.clock import NOON

STRANGE = ["nonsense", "", "e30", "W10", "bnVsbA", "ü", "AAAA====", "WzEsMiwzXQ", "x" * 5000, "[" * 9_000]
STRANGE.append(write_cursor(ListPlace(-NOON, "guide", "trip")))


@pytest.mark.parametrize("order", [*permutations("abc")])
async def test_the_newest_comes_first_whenever_it_was_stored(bank: MemoryBank, order: tuple[str, ...]) -> None:
    for name in order:
        await bank.store([a_memory(name, created_at=NOON + ord(name))])
    assert await texts_in(bank) == ["c", "b", "a"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 20])
async def test_pages_tell_every_memory_once(bank: MemoryBank, limit: int) -> None:
    given = [a_memory(f"fact {number}", created_at=NOON + number // 2) for number in range(7)]
    await bank.store(given)
    found = await everything(bank, limit=limit)
    assert [one.created_at for one in found] == sorted((one.created_at for one in given), reverse=True)
    assert sorted(one.id for one in found) == sorted(one.id for one in given)


async def test_memories_of_the_same_moment_have_a_fixed_order(bank: MemoryBank) -> None:
    await bank.store([a_memory(f"fact {number}") for number in range(9)])
    whole = await everything(bank)
    assert len({one.id for one in whole}) == 9
    for limit in (1, 2, 4):
        assert await everything(bank, limit=limit) == whole


async def test_what_has_ended_is_shown_when_it_is_asked_for(bank: MemoryBank) -> None:
    for number in range(6):
        await bank.store([a_memory(f"old {number}", id=f"old {number}", created_at=NOON + number)])
        await bank.supersede(MINE, f"old {number}", a_memory(f"new {number}", created_at=NOON + 10 + number))
    newest = [f"new {number}" for number in range(5, -1, -1)]
    for limit in (1, 4, 50):
        assert [one.text for one in await everything(bank, limit=limit, ended=False)] == newest
        shown = [one.text for one in await everything(bank, limit=limit, ended=True)]
        assert shown == [*newest, *(f"old {number}" for number in range(5, -1, -1))]


async def test_a_page_that_fits_has_no_next_one(bank: MemoryBank) -> None:
    await bank.store([a_memory("a"), a_memory("b")])
    assert (await bank.page(MINE, 2)).next_cursor is None
    assert (await bank.page(HERE, 2)) == ([], None)


async def test_what_others_write_between_pages_moves_nothing(bank: MemoryBank) -> None:
    await bank.store([a_memory(f"m{number}", id=f"m{number}", created_at=NOON + number) for number in range(9)])
    first = await bank.page(MINE, 3)
    assert [one.text for one in first.memories] == ["m8", "m7", "m6"]
    await bank.store([a_memory("newer", created_at=NOON + 50), a_memory("M4", created_at=NOON + 50)])
    await bank.delete(MINE, "m6")
    await bank.delete(MINE, "m2")
    await bank.supersede(MINE, "m1", a_memory("contradicted", created_at=NOON + 60))
    rest, cursor = [], first.next_cursor
    while cursor is not None:
        page = await bank.page(MINE, 3, cursor)
        rest += [one.text for one in page.memories]
        cursor = page.next_cursor
    assert rest == ["m5", "m4", "m3", "m0"]


@pytest.mark.parametrize("cursor", STRANGE)
async def test_a_strange_cursor_is_refused(bank: MemoryBank, cursor: str) -> None:
    await bank.store([a_memory()])
    with pytest.raises(InvalidRequest):
        await bank.page(MINE, 2, cursor)


async def test_the_cursor_of_another_scope_shows_nothing_of_it(bank: MemoryBank) -> None:
    await bank.store([a_memory(f"mine {n}", created_at=NOON + n) for n in range(3)])
    await bank.store([a_memory(f"here {n}", HERE, created_at=NOON + n) for n in range(3)])
    theirs = (await bank.page(HERE, 1)).next_cursor
    try:
        page = await bank.page(MINE, 10, theirs)
    except InvalidRequest:
        return
    assert {one.scope for one in page.memories} <= {MINE}
