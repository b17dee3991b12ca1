"""A wish to cancel reaches the holder with its flushes, and by a look in between."""

import asyncio

import pytest

from sessionful.domain.error import LeaseLost
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_session
from tests.contracts.writer import Writer, begin, take_over


async def seen_by(writer: Writer, expected: bool | type[LeaseLost]) -> None:
    """A look may be a moment behind, not more."""
    told: bool | type[LeaseLost] | None = None
    for _ in range(40):
        try:
            told = await writer.log.peek(writer.lease)
        except LeaseLost:
            told = LeaseLost
        if told == expected:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"seen: {told}")


async def test_a_wish_to_cancel_is_heard_by_a_flush_and_by_a_look(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    assert await log.peek(writer.lease) is False
    assert await writer.flush("one") is False
    await log.ask_cancel(KEY, 1)
    await seen_by(writer, True)
    assert await writer.flush("two") is True
    assert await writer.flush() is True
    await writer.append()
    assert await writer.flush("three") is True
    assert (await log.watch(KEY)).flushed == ["three"]


async def test_a_look_changes_nothing(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one")
    seen = await log.watch(KEY)
    await log.peek(writer.lease)
    assert await log.watch(KEY) == seen


async def test_a_wish_to_cancel_moves_nothing_but_itself(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one")
    before = await log.watch(KEY)
    await log.ask_cancel(KEY, 1)
    after = await log.watch(KEY)
    assert before.session.running is not None
    running = before.session.running.model_copy(update={"cancel_asked": True})
    assert after == (before.session.model_copy(update={"running": running}), ["one"])


async def test_a_look_tells_a_holder_that_its_turn_was_taken_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    clock.advance(LEASE_MS)
    new = await take_over(log)
    await seen_by(old, LeaseLost)
    await seen_by(new, False)


@pytest.mark.parametrize("end", ["settled", "deleted", "made anew"])
async def test_a_look_tells_a_holder_that_its_turn_is_over(log: SessionLog, end: str) -> None:
    await log.create(a_session())
    writer = await begin(log)
    if end == "settled":
        await writer.settle()
    else:
        await log.delete(KEY)
    if end == "made anew":
        await log.create(a_session())
        await begin(log)
    await seen_by(writer, LeaseLost)


async def test_a_look_at_the_next_turn_does_not_hear_of_the_one_before(log: SessionLog) -> None:
    await log.create(a_session())
    first = await begin(log)
    await log.ask_cancel(KEY, 1)
    await first.settle()
    second = await begin(log)
    await seen_by(second, False)
    assert await second.flush(lease_until=NOON + 100_000) is False
