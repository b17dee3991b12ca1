"""A turn is given out of hand at a step's border: who takes it over goes on with the same attempt, at once."""

import pytest

from sessionful.domain.error import LeaseLost, SessionBusy, SessionExpired
from sessionful.domain.turn import Lease
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.refusals import assert_cannot_write
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_session, a_turn, an_entry, texts
from tests.contracts.writer import begin, take_over


async def test_a_released_turn_is_taken_over_at_once_and_keeps_its_attempt(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await old.append("one")
    await log.release(old.lease)
    new = await take_over(log, lease_until=NOON + 200_000)
    assert new.lease == Lease(KEY, old.lease.log, epoch=old.lease.epoch + 1, turn=1, attempt=1)
    assert old.session.running is not None
    assert new.session.running == old.session.running.model_copy(update={"lease_until": NOON + 200_000})
    assert await log.get(KEY) == new.session
    head = await new.settle("two")
    assert texts(await log.read(head, 10)) == ["hello", "one", "two"]
    assert [entry.attempt for entry in await log.turn(head, 1)] == [1, 1]


async def test_a_released_turn_still_holds_its_session(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await log.release(writer.lease)
    running = (await log.get(KEY)).running
    assert running is not None
    assert (running.number, running.released, running.lease_until <= NOON) == (1, True, True)
    with pytest.raises(SessionBusy) as refusal:
        await log.begin(KEY, a_turn(), WINDOW)
    assert refusal.value.details["lease_expired"] is True
    with pytest.raises(SessionBusy):
        await log.insert(KEY, an_entry())
    with pytest.raises(SessionBusy):
        await log.rebase(KEY, (), 0)
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None


async def test_who_gave_a_turn_away_cannot_write_once_it_is_taken(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await log.release(old.lease)
    new = await take_over(log)
    await assert_cannot_write(old)
    assert await log.get(KEY) == new.session
    await new.settle()
    await assert_cannot_write(old)


async def test_a_released_turn_is_taken_once(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await log.release((await begin(log)).lease)
    await take_over(log, lease_until=NOON + LEASE_MS)
    assert await log.take_over(KEY, NOON + LEASE_MS) is None
    clock.advance(LEASE_MS - 1)
    assert await log.take_over(KEY, NOON + 900_000) is None


async def test_a_turn_goes_from_hand_to_hand_and_counts_only_its_crashes(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    for attempt in (1, 2, 3):
        for _ in range(3):
            await log.release(writer.lease)
            epoch = writer.lease.epoch
            writer = await take_over(log, lease_until=clock() + LEASE_MS)
            assert (writer.lease.attempt, writer.lease.epoch) == (attempt, epoch + 1)
        clock.advance(LEASE_MS)
        writer = await take_over(log, lease_until=clock() + LEASE_MS)
        assert (writer.lease.attempt, writer.lease.epoch) == (attempt + 1, epoch + 2)


async def test_the_next_holder_is_handed_what_was_told_since_the_step(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await old.flush("dropped")
    await old.append()
    await old.flush("kept", "too")
    await log.release(old.lease)
    assert (await log.watch(KEY)).flushed == ["kept", "too"]
    assert (await take_over(log)).flushed == ["kept", "too"]


async def test_a_released_turn_of_an_expired_session_can_be_closed(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    old = await begin(log)
    await old.append("one")
    clock.advance(10_000)
    await log.release(old.lease)
    with pytest.raises(SessionExpired):
        await log.get(KEY)
    with pytest.raises(SessionExpired):
        await log.watch(KEY)
    new = await take_over(log, lease_until=clock() + LEASE_MS)
    assert (new.lease.attempt, (await log.get(KEY)).status) == (1, "busy")
    head = await new.settle("two")
    assert texts(await log.read(head, 10)) == ["hello", "one", "two"]
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_a_wish_to_cancel_goes_along_with_a_released_turn(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await log.release(old.lease)
    await log.ask_cancel(KEY, 1)
    new = await take_over(log)
    assert new.session.running is not None
    assert new.session.running.cancel_asked
    assert await new.flush() is True


async def test_only_the_holder_gives_a_turn_away(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    clock.advance(LEASE_MS)
    new = await take_over(log)
    with pytest.raises(LeaseLost):
        await log.release(old.lease)
    assert await log.get(KEY) == new.session
    head = await new.settle()
    with pytest.raises(LeaseLost):
        await log.release(new.lease)
    assert await log.get(KEY) == head
    await log.delete(KEY)
    with pytest.raises(LeaseLost):
        await log.release(new.lease)


async def test_a_turn_after_a_released_one_is_not_released(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await log.release((await begin(log)).lease)
    await (await take_over(log)).settle()
    writer = await begin(log)
    assert writer.session.running is not None
    assert not writer.session.running.released
    clock.advance(LEASE_MS)
    assert (await take_over(log)).lease.attempt == 2
