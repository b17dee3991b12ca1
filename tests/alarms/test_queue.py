"""What every queue of alarms does: nothing rings early, what is due rings in order, and until it is done."""

import asyncio
import time

import pytest

from sessionful.alarms.bell import AlarmQueue
from sessionful.domain.session import SessionKey
from sessionful.ports import Wake
from tests.alarms.conftest import ORDERED
from tests.alarms.samples import AGAIN, a_wake, heard, turns
from tests.contracts.clock import ManualClock


async def test_what_was_set_is_what_rings(queue: AlarmQueue) -> None:
    wake = Wake(SessionKey("o'wner.1", "*", 'sess"ion ü.\N{GRINNING FACE}'), "1-x")
    await queue.set(wake, 0)
    [ring] = await heard(queue)
    assert (ring.wake, ring.times) == (wake, 1)


async def test_nothing_rings_before_its_time(queue: AlarmQueue, clock: ManualClock) -> None:
    await queue.set(a_wake(), 17)
    clock.advance(16_999)
    assert await heard(queue) == []
    clock.advance(1)
    assert turns(await heard(queue)) == ["t1"]


@pytest.mark.parametrize("queue", ORDERED, indirect=True)
async def test_the_longest_due_rings_first(queue: AlarmQueue, clock: ManualClock) -> None:
    for turn, delay in [("late", 3.0), ("early", 1.0), ("now", 0.0), ("soon", 2.0), ("never", 99.0)]:
        await queue.set(a_wake(turn), delay)
    clock.advance(3_000)
    assert turns(await heard(queue, limit=2)) == ["now", "early"]
    assert turns(await heard(queue)) == ["soon", "late"]


@pytest.mark.parametrize("queue", ORDERED, indirect=True)
async def test_those_that_are_due_at_once_ring_as_they_were_set(queue: AlarmQueue) -> None:
    for number in range(20):
        await queue.set(a_wake(f"t{number}"), 0)
    assert turns(await heard(queue, limit=20)) == [f"t{number}" for number in range(20)]


async def test_what_is_not_done_rings_again_after_its_time_and_says_how_often(
    queue: AlarmQueue, clock: ManualClock
) -> None:
    await queue.set(a_wake(), 0)
    for times in range(1, 4):
        [ring] = await heard(queue)
        assert (ring.times, await heard(queue)) == (times, [])
        clock.advance(int(AGAIN * 1000))


async def test_what_is_done_rings_no_more(queue: AlarmQueue, clock: ManualClock) -> None:
    await queue.set(a_wake(), 0)
    [ring] = await heard(queue)
    await queue.done(ring.receipt)
    await queue.done(ring.receipt)
    clock.advance(10 * int(AGAIN * 1000))
    assert (await heard(queue), await queue.count()) == ([], 0)


async def test_whoever_was_too_slow_does_not_silence_who_came_after_it(queue: AlarmQueue, clock: ManualClock) -> None:
    await queue.set(a_wake(), 0)
    [slow] = await heard(queue)
    clock.advance(int(AGAIN * 1000))
    [later] = await heard(queue)
    await queue.done(slow.receipt)
    await queue.postpone(slow.receipt, 0)
    assert (await heard(queue), await queue.count()) == ([], 1)
    await queue.done(later.receipt)
    assert await queue.count() == 0


async def test_what_is_postponed_rings_then_and_not_when_it_would_have(queue: AlarmQueue, clock: ManualClock) -> None:
    await queue.set(a_wake("kept"), 0)
    await queue.set(a_wake("given back"), 0)
    kept, given_back = await heard(queue)
    await queue.postpone(kept.receipt, 2 * AGAIN)
    await queue.postpone(given_back.receipt, 0)
    assert turns(await heard(queue)) == ["given back"]
    clock.advance(2 * int(AGAIN * 1000) - 1)
    assert turns(await heard(queue)) == ["given back"]
    clock.advance(1)
    assert turns(await heard(queue)) == ["kept"]


async def test_an_alarm_that_was_set_again_rings_for_itself(queue: AlarmQueue) -> None:
    """A worker that finds the holder alive arms the next alarm before it is done with this one."""
    await queue.set(a_wake(), 0)
    [first] = await heard(queue)
    await queue.set(a_wake(), 0)
    await queue.done(first.receipt)
    [second] = await heard(queue)
    assert (second.wake, second.times, await queue.count()) == (first.wake, 1, 1)


async def test_of_many_that_listen_at_once_one_hears_each(queue: AlarmQueue) -> None:
    for number in range(40):
        await queue.set(a_wake(f"t{number}"), 0)
    found = await asyncio.gather(*(heard(queue, limit=5) for _ in range(20)))
    assert sorted(turns([ring for rings in found for ring in rings])) == sorted(f"t{number}" for number in range(40))


async def test_whoever_waits_hears_at_once_what_is_set_for_now(queue: AlarmQueue) -> None:
    waiting = asyncio.create_task(queue.hear(10, 20, AGAIN))
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await queue.set(a_wake(), 0)
    assert turns(await waiting) == ["t1"]
    assert time.monotonic() - begun < 0.3


async def test_whoever_waits_hears_what_becomes_due_meanwhile(queue: AlarmQueue, clock: ManualClock) -> None:
    await queue.set(a_wake(), 5)
    waiting = asyncio.create_task(queue.hear(10, 20, AGAIN))
    await asyncio.sleep(0.05)
    clock.advance(5_000)
    assert turns(await asyncio.wait_for(waiting, 5)) == ["t1"]


async def test_waiting_ends_when_nothing_comes(queue: AlarmQueue) -> None:
    begun = time.monotonic()
    assert await queue.hear(10, 0.1, AGAIN) == []
    assert 0.1 <= time.monotonic() - begun < 5
