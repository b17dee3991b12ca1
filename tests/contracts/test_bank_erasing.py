"""Deleted, forgotten, erased: nothing of it is left, and nothing else goes."""

import pytest

from sessionful.domain.error import MemoryNotFound
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import (
    EAST,
    HERE,
    MINE,
    MODEL,
    SHARED,
    a_memory,
    a_source,
    a_summary,
    everything,
    texts_in,
)
from tests.contracts.banks import OpenedBank
from tests.contracts.clock import NOON


async def test_a_deleted_memory_is_gone_for_every_read(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    memory = a_memory("Rome", model=MODEL, vector=EAST, sources=(a_source(),))
    await bank.store([memory])
    await bank.delete(MINE, memory.id)
    with pytest.raises(MemoryNotFound):
        await bank.get(MINE, memory.id)
    assert await everything(bank) == []
    assert await bank.search(MINE, EAST, MODEL, ["rome"], 5) == []
    assert await bank.unlike(MINE, "other", 5) == []
    assert await opened_bank.raw_count() == clean


@pytest.mark.parametrize("missing", ["never", "", " ", "\u0000", "🦊", "x" * 5_000, "'; --"])
async def test_what_is_not_there_cannot_be_deleted_or_got(bank: MemoryBank, missing: str) -> None:
    memory = a_memory(id="one")
    await bank.store([memory])
    with pytest.raises(MemoryNotFound):
        await bank.delete(MINE, missing)
    with pytest.raises(MemoryNotFound):
        await bank.get(MINE, missing)
    assert await everything(bank) == [memory]


async def test_a_second_delete_is_told(bank: MemoryBank) -> None:
    await bank.store([a_memory(id="one")])
    await bank.delete(MINE, "one")
    with pytest.raises(MemoryNotFound):
        await bank.delete(MINE, "one")


async def test_the_same_text_can_be_stored_after_a_delete(bank: MemoryBank) -> None:
    first = a_memory("Rome", sources=(a_source("a"),))
    await bank.store([first])
    await bank.delete(MINE, first.id)
    again = a_memory("Rome", sources=(a_source("b"),))
    assert await bank.store([again]) == [again]
    await bank.delete(MINE, again.id)
    assert await bank.store([first]) == [first]


async def test_what_a_deleted_memory_had_superseded_stays_ended(bank: MemoryBank) -> None:
    await bank.store([a_memory("Rome", id="rome")])
    await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo"))
    await bank.delete(MINE, "oslo")
    assert await texts_in(bank) == []
    assert (await bank.get(MINE, "rome")).ended_at == NOON


async def test_what_has_ended_can_be_deleted(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    await bank.store([a_memory("Rome", id="rome")])
    await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo"))
    await bank.delete(MINE, "rome")
    assert await texts_in(bank, ended=True) == ["Oslo"]
    await bank.delete(MINE, "oslo")
    assert await opened_bank.raw_count() == clean


async def test_what_came_only_from_a_forgotten_log_is_erased_and_the_rest_loses_that_source(
    opened_bank: OpenedBank,
) -> None:
    bank = opened_bank.bank
    gone, stays = a_source("gone", 1), a_source("stays", 1)
    await bank.store(
        [
            a_memory("only there", sources=(gone, a_source("gone", 2))),
            a_memory("there, too", id="too", sources=(gone, stays, a_source("gone", 3))),
            a_memory("elsewhere", id="elsewhere", sources=(stays,)),
            a_memory("by hand", id="hand"),
        ]
    )
    await bank.forget(MINE, "gone")
    shown = {one.text: one.sources for one in await everything(bank)}
    assert shown == {"there, too": (stays,), "elsewhere": (stays,), "by hand": ()}
    count = await opened_bank.raw_count()
    await bank.forget(MINE, "gone")
    assert await opened_bank.raw_count() == count
    await bank.forget(MINE, "stays")
    assert await texts_in(bank) == ["by hand"]


async def test_sources_stay_in_the_order_in_which_they_came_when_one_is_forgotten(bank: MemoryBank) -> None:
    for log in "cab":
        await bank.store([a_memory("Rome", id="one", sources=(a_source(log),))])
    await bank.forget(MINE, "c")
    for log in "zcdy":
        await bank.store([a_memory("Rome", sources=(a_source(log),))])
    assert "".join(source.log for source in (await bank.get(MINE, "one")).sources) == "abzcdy"


async def test_a_forgotten_log_takes_what_has_ended_too(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    await bank.store([a_memory("Rome", id="rome", sources=(a_source("gone"),))])
    await bank.supersede(MINE, "rome", a_memory("Oslo", id="oslo", sources=(a_source("gone"), a_source("stays"))))
    await bank.forget(MINE, "gone")
    (left,) = await everything(bank)
    assert (left.id, left.sources, left.supersedes) == ("oslo", (a_source("stays"),), ("rome",))
    await bank.forget(MINE, "stays")
    assert await opened_bank.raw_count() == clean


@pytest.mark.parametrize("order", [("hand", "said"), ("said", "hand")])
async def test_what_was_put_in_by_hand_stays_when_a_log_that_says_the_same_is_forgotten(
    bank: MemoryBank, order: tuple[str, str]
) -> None:
    given = {"hand": a_memory("Rome", id="one"), "said": a_memory("Rome", id="one", sources=(a_source("gone"),))}
    for which in order:
        (kept,) = await bank.store([given[which]])
    assert kept.sources == (a_source("gone"),)
    await bank.forget(MINE, "gone")
    (kept,) = await everything(bank)
    assert (kept.id, kept.sources) == ("one", ())
    await bank.forget(MINE, "gone")
    assert await texts_in(bank) == ["Rome"]


async def test_a_log_is_forgotten_in_its_scope_only(bank: MemoryBank) -> None:
    given = [a_memory("Rome", scope, sources=(a_source("log"),)) for scope in (MINE, HERE, SHARED)]
    await bank.store(given)
    await bank.forget(MINE, "log")
    assert await everything(bank, MINE) == []
    assert [await everything(bank, scope) for scope in (HERE, SHARED)] == [[given[1]], [given[2]]]


async def test_a_log_whose_name_begins_like_another_is_another(bank: MemoryBank) -> None:
    names = ["log", "lo", "log2", "LOG", "log ", "l%", "🦊"]
    await bank.store([a_memory(f"from {name!r}", sources=(a_source(name),), digest=name) for name in names])
    for name in names:
        await bank.forget(MINE, name)
        assert f"from {name!r}" not in await texts_in(bank)
    assert await texts_in(bank) == []


async def test_many_memories_of_one_log_are_forgotten(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    await bank.store([a_memory(f"fact {number}", sources=(a_source("gone", number),)) for number in range(1, 240)])
    await bank.forget(MINE, "gone")
    assert await everything(bank) == []
    assert await opened_bank.raw_count() == clean


async def test_an_erased_scope_is_empty_and_the_others_are_not(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for scope in (MINE, HERE, SHARED):
        given = [a_memory(f"fact {n}", scope, sources=(a_source(),), model=MODEL, vector=EAST) for n in range(120)]
        await bank.store(given)
    for scope in (MINE, HERE, SHARED):
        assert len(await everything(bank, scope)) == 120
        await bank.erase(scope)
        assert await everything(bank, scope) == []
        assert await bank.search(scope, EAST, MODEL, ["fact"], 5) == []
    assert await opened_bank.raw_count() == clean
    await bank.erase(MINE)
    assert await opened_bank.raw_count() == clean
    again = a_memory("anew")
    await bank.store([again])
    assert await everything(bank) == [again]


async def test_erasing_memories_leaves_summaries_and_the_other_way_round(bank: MemoryBank) -> None:
    await bank.store([a_memory("Rome", sources=(a_source("log"),))])
    await bank.keep_summary("ada", "guide", a_summary(log="log"))
    await bank.forget_summaries("ada", "guide", "log")
    assert await texts_in(bank) == ["Rome"]
    await bank.keep_summary("ada", "guide", a_summary(log="log"))
    await bank.forget(MINE, "log")
    await bank.erase(MINE)
    assert await bank.summary("ada", "guide", "log") == a_summary(log="log")
