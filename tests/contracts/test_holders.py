"""What one holder flushed and the next: nothing of a turn is told by two."""

import pytest

from sessionful.domain.error import LeaseLost
from sessionful.domain.turn import Group
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.races import CROWD, kinds, outcomes
from tests.contracts.samples import KEY, LEASE_MS, a_key, a_session, noise
from tests.contracts.writer import Writer, begin, take_over

LATER = NOON + 900_000


async def a_change_of_hands(log: SessionLog, clock: ManualClock, *groups: str) -> tuple[Writer, Writer]:
    await log.create(a_session())
    old = await begin(log)
    await old.append("stored")
    await old.flush(*groups)
    clock.advance(LEASE_MS + 90_000)
    return old, await take_over(log)


async def test_the_first_group_of_a_holder_replaces_those_of_the_one_before(
    log: SessionLog, clock: ManualClock
) -> None:
    _, new = await a_change_of_hands(log, clock, "old one", "old two", noise(4_000))
    assert (await log.watch(KEY)).flushed == ["old one", "old two", noise(4_000)]
    await new.flush(lease_until=LATER)
    assert (await log.watch(KEY)).flushed == ["old one", "old two", noise(4_000)]
    await new.flush("new one", lease_until=LATER)
    assert (await log.watch(KEY)).flushed == ["new one"]
    await new.flush("new two", lease_until=LATER)
    assert (await log.watch(KEY)).flushed == ["new one", "new two"]


@pytest.mark.parametrize("end", ["append", "settle"])
async def test_a_step_of_the_next_holder_drops_what_the_one_before_told(
    log: SessionLog, clock: ManualClock, end: str
) -> None:
    _, new = await a_change_of_hands(log, clock, "old one", noise(4_000), "old three")
    await (new.append() if end == "append" else new.settle())
    assert (await log.watch(KEY)).flushed == []


async def test_a_holder_that_lost_its_turn_flushes_nothing(log: SessionLog, clock: ManualClock) -> None:
    old, new = await a_change_of_hands(log, clock, "old one")
    seen = await log.watch(KEY)
    for group in (Group(1, "old one"), Group(2, "too late"), Group(3, noise(500_000)), None):
        with pytest.raises(LeaseLost):
            await log.flush(old.lease, group, LATER)
        assert await log.watch(KEY) == seen
    await new.flush("new one", lease_until=LATER)
    with pytest.raises(LeaseLost):
        await old.flush("too late")
    assert (await log.watch(KEY)).flushed == ["new one"]


async def test_nothing_is_flushed_after_the_turn(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one")
    head = await writer.settle()
    for group in (Group(1, "one"), Group(2, "too late"), None):
        with pytest.raises(LeaseLost):
            await log.flush(writer.lease, group, NOON + 90_000)
    assert await log.watch(KEY) == (head, [])


async def test_nothing_is_flushed_into_a_deleted_session_or_the_next_of_its_id(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await old.flush("one")
    await log.delete(KEY)
    with pytest.raises(LeaseLost):
        await old.flush("two")
    await log.create(a_session())
    new = await begin(log)
    with pytest.raises(LeaseLost):
        await old.flush("three")
    assert await log.watch(KEY) == (new.session, [])


async def test_what_a_holder_flushed_before_its_crash_reaches_one_of_many_takers(
    log: SessionLog, clock: ManualClock
) -> None:
    await log.create(a_session())
    old = await begin(log)
    await old.flush("one", "two", "three")
    clock.advance(LEASE_MS + 90_000)
    told = await outcomes([log.take_over(KEY, LATER) for _ in range(CROWD)])
    assert kinds(told) == {"Taken": 1, "NoneType": CROWD - 1}
    (taken,) = [one for one in told if one is not None and not isinstance(one, Exception)]
    assert taken.flushed == ["one", "two", "three"]
    assert (await log.get(KEY)).epoch == old.lease.epoch + 1


async def test_one_of_many_takes_a_released_turn(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log)
    await log.release(old.lease)
    told = await outcomes([log.take_over(KEY, LATER) for _ in range(CROWD)])
    assert kinds(told) == {"Taken": 1, "NoneType": CROWD - 1}
    head = await log.get(KEY)
    assert head.running is not None
    assert (head.epoch, head.running.attempt) == (old.lease.epoch + 1, 1)


async def test_a_flush_that_races_with_a_take_over_is_handed_on_or_refused(log: SessionLog, clock: ManualClock) -> None:
    for number in range(6):
        key = a_key(f"s{number}")
        await log.create(a_session(key, at=clock()))
        old = await begin(log, key, lease_ms=LEASE_MS)
        await old.flush("one", lease_until=clock() + LEASE_MS)
        clock.advance(LEASE_MS)
        flush = log.flush(old.lease, Group(2, "two"), clock())  # a lease that has run out again leaves it to be taken
        told = await outcomes([flush, log.take_over(key, clock() + LEASE_MS)])
        taken = told[1]
        assert taken is not None
        assert not isinstance(taken, Exception | bool)
        assert taken.flushed == (["one"] if isinstance(told[0], LeaseLost) else ["one", "two"])
        assert (await log.watch(key)).flushed == taken.flushed
