"""Summaries: one for each place of a log, never changed, the latest one told."""

from sessionful.domain.lineage import END
from sessionful.domain.session import Position
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import a_summary
from tests.contracts.banks import OpenedBank


async def test_a_summary_is_found_by_the_next_read_as_it_was_kept(bank: MemoryBank) -> None:
    assert await bank.summary("ada", "guide", "log") is None
    summary = a_summary("they spoke of \u0000 Rome 🦊", 3, 2, tokens=7, made_at=5, model="m \u0000")
    await bank.keep_summary("ada", "guide", summary)
    assert await bank.summary("ada", "guide", "log") == summary


async def test_the_latest_by_place_is_told_whenever_it_was_kept(bank: MemoryBank) -> None:
    for turn, step in ((2, 10), (10, 1), (9, 9), (10, 2), (2, 1)):
        await bank.keep_summary("ada", "guide", a_summary(f"up to {turn}.{step}", turn, step, made_at=turn))
    kept = await bank.summary("ada", "guide", "log")
    assert kept is not None
    assert (kept.text, kept.upto) == ("up to 10.2", (10, 2))


async def test_the_latest_that_reaches_no_further_than_a_place_is_told(bank: MemoryBank) -> None:
    for turn, step in ((2, 10), (10, 1), (9, 9), (10, 2), (2, 1)):
        await bank.keep_summary("ada", "guide", a_summary(f"up to {turn}.{step}", turn, step))
    asked = [(1, 99), (2, 1), (2, 9), (2, 10), (9, 8), (9, 10), (10, 1), (10, 2), (11, 1), END]
    found = [await bank.summary("ada", "guide", "log", Position(*at)) for at in asked]
    reached = [summary and summary.upto for summary in found]
    assert reached == [None, (2, 1), (2, 1), (2, 10), (2, 10), (9, 9), (10, 1), (10, 2), (10, 2), (10, 2)]


async def test_the_first_that_was_kept_for_a_place_stays(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    await bank.keep_summary("ada", "guide", a_summary("first"))
    count = await opened_bank.raw_count()
    await bank.keep_summary("ada", "guide", a_summary("second", made_at=9))
    await bank.keep_summary("ada", "guide", a_summary("first"))
    assert await bank.summary("ada", "guide", "log") == a_summary("first")
    assert await opened_bank.raw_count() == count


async def test_forgotten_summaries_are_gone_and_their_places_free(opened_bank: OpenedBank) -> None:
    bank = opened_bank.bank
    clean = await opened_bank.raw_count()
    for turn in range(1, 4):
        await bank.keep_summary("ada", "guide", a_summary(f"up to {turn}", turn))
    await bank.forget_summaries("ada", "guide", "log")
    assert await bank.summary("ada", "guide", "log") is None
    assert await opened_bank.raw_count() == clean
    await bank.forget_summaries("ada", "guide", "log")
    await bank.keep_summary("ada", "guide", a_summary("anew", 1))
    assert await bank.summary("ada", "guide", "log") == a_summary("anew", 1)


async def test_a_long_summary_is_kept_whole(bank: MemoryBank) -> None:
    summary = a_summary("they spoke. 🦊 " * 20_000)
    await bank.keep_summary("ada", "guide", summary)
    assert await bank.summary("ada", "guide", "log") == summary
