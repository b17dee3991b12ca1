"""The worker: everything that rings is looked after, as often as it takes and within bounds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from sessionful.alarms.bell import Ring
from sessionful.alarms.in_memory import InMemoryAlarmQueue
from sessionful.alarms.worker import TRIES, Worker
from sessionful.domain.error import StoreUnavailable
from sessionful.ports import Wake
from tests.alarms.samples import a_wake
from tests.contracts.clock import ManualClock


class Ward:
    """Where turns are looked after: each until it is let go, failing as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.at_once = self.most_at_once = 0
        self.open = asyncio.Event()
        self._failures = failures

    async def look_after(self, wake: Wake) -> None:
        self.begun.append(wake.turn_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
            if len(self.begun) <= self._failures:
                raise StoreUnavailable("the session store is too busy")
            self.ended.append(wake.turn_id)
        finally:
            self.at_once -= 1


async def test_a_wake_is_done_when_it_was_looked_after_and_not_before() -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    await queue.set(a_wake(), 0)
    async with working(Worker(queue, ward.look_after)):
        await until(lambda: ward.begun == ["t1"])
        assert await queue.count() == 1
        ward.open.set()
        await until_empty(queue)
    assert ward.ended == ["t1"]


async def test_a_turn_that_takes_long_rings_nowhere_else_while_its_worker_lives() -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    await queue.set(a_wake(), 0)
    async with working(Worker(queue, ward.look_after, again_in=0.3)):
        await until(lambda: ward.begun == ["t1"])
        assert await queue.hear(1, 0.8, 30) == []
        ward.open.set()
        await until_empty(queue)


async def test_several_are_looked_after_at_once_and_no_more_than_that() -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    for number in range(10):
        await queue.set(a_wake(f"t{number}"), 0)
    async with working(Worker(queue, ward.look_after, at_once=3)):
        await until(lambda: ward.at_once == 3)
        ward.open.set()
        await until_empty(queue)
    assert ward.most_at_once == 3
    assert sorted(ward.ended) == [f"t{number}" for number in range(10)]


async def test_what_fails_rings_again_with_pauses_that_double(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    queue, ward = InMemoryAlarmQueue(clock), Ward(failures=2)
    ward.open.set()
    await queue.set(a_wake(), 0)
    async with working(Worker(queue, ward.look_after, pause=2.0)):
        for times, pause in enumerate([2.0, 4.0], start=1):
            await until(lambda times=times: len(caplog.records) == times)  # type: ignore[misc]
            assert f"again in {pause:g} s" in caplog.messages[-1]
            clock.advance(int(pause * 1000) - 1)
            await asyncio.sleep(0.02)
            assert len(ward.begun) == times
            clock.advance(1)
        await until_empty(queue)
    assert (len(ward.begun), ward.ended) == (3, ["t1"])


async def test_what_fails_the_tenth_time_is_given_up_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    queue, ward = InMemoryAlarmQueue(), Ward(failures=1)
    ward.open.set()
    await queue.set(a_wake(), 0)
    for _ in range(TRIES - 1):
        await queue.hear(1, 0, again_in=0)
    async with working(Worker(queue, ward.look_after)):
        await until_empty(queue)
    assert ward.begun == ["t1"]
    assert (caplog.records[-1].levelno, caplog.messages[-1]) == (
        logging.ERROR,
        "turn=<t1> times=<10> | given up: no worker looks after it any more: the session store is too busy "
        "(store_unavailable)",
    )


async def test_an_error_that_nobody_expected_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    ward.open.set()

    async def look_after(wake: Wake) -> None:
        if wake.turn_id == "bad":
            raise ZeroDivisionError
        await ward.look_after(wake)

    for turn in ("bad", "good"):
        await queue.set(a_wake(turn), 0)
    async with working(Worker(queue, look_after)):
        await until(lambda: ward.ended == ["good"])
    assert await queue.count() == 1
    assert caplog.records[0].exc_info is not None


async def test_a_bell_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    queue, ward = OutOfOrder(failures=1), Ward()
    ward.open.set()
    await queue.set(a_wake(), 0)
    async with working(Worker(queue, ward.look_after)):
        await until_empty(queue)
    assert "no alarm can be heard: out of order (store_unavailable)" in caplog.messages


async def test_stopped_it_begins_nothing_more_and_ends_when_all_that_it_had_begun_has_ended() -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    await queue.set(a_wake("begun"), 0)
    worker = Worker(queue, ward.look_after)
    running = asyncio.create_task(worker.run())
    await until(lambda: ward.begun == ["begun"])
    worker.stop()
    await queue.set(a_wake("late"), 0)
    await asyncio.sleep(0.05)
    assert not running.done()
    ward.open.set()
    await asyncio.wait_for(running, 5)
    assert (ward.ended, await queue.count()) == (["begun"], 1)
    assert [ring.wake.turn_id for ring in await queue.hear(10, 0, 30)] == ["late"]


async def test_what_is_heard_in_the_last_moment_is_left_to_others_at_once() -> None:
    queue, ward = InMemoryAlarmQueue(), Ward()
    worker = Worker(queue, ward.look_after)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)  # it listens
    await queue.set(a_wake(), 0)
    worker.stop()
    await asyncio.wait_for(running, 5)
    [ring] = await queue.hear(10, 0, 30)
    assert (ward.begun, ring.times) == ([], 2)


async def test_cancelled_it_cancels_what_it_had_begun_and_leaves_it_to_others() -> None:
    clock = ManualClock()
    queue, ward = InMemoryAlarmQueue(clock), Ward()
    await queue.set(a_wake(), 0)
    running = asyncio.create_task(Worker(queue, ward.look_after).run())
    await until(lambda: ward.begun == ["t1"])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (ward.at_once, ward.ended, await queue.count()) == (0, [], 1)


class OutOfOrder(InMemoryAlarmQueue):
    def __init__(self, failures: int) -> None:
        super().__init__()
        self._failures = failures

    async def hear(self, limit: int, within: float, again_in: float) -> list[Ring]:
        self._failures -= 1
        if self._failures >= 0:
            raise StoreUnavailable("out of order")
        return await super().hear(limit, within, again_in)


class working:
    """The worker at work, until the test has seen enough."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __aenter__(self) -> None:
        self._running = asyncio.create_task(self._worker.run())

    async def __aexit__(self, *_: object) -> None:
        self._worker.stop()
        await asyncio.wait_for(self._running, 5)


async def until(condition: Callable[[], bool]) -> None:
    async def now() -> bool:
        return condition()

    await _until(now)


async def until_empty(queue: InMemoryAlarmQueue) -> None:
    async def empty() -> bool:
        return await queue.count() == 0

    await _until(empty)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - what is waited for knows nothing of the test
            await asyncio.sleep(0.005)
