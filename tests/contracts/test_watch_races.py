"""Whoever watches a turn sees it in one look: no step twice, none missing, whatever happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from sessionful.domain.error import LeaseLost
from sessionful.ports import SessionLog
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_session, noise
from tests.contracts.writer import Writer, begin, take_over

FOREVER = 10_000_000_000_000
STEPS = 8
GROUPS = 4


class Watcher:
    """Follows a session until it is told to stop, and checks each look against the one before it."""

    def __init__(self, log: SessionLog) -> None:
        self.log = log
        self.over = False
        self.looks = 0
        self.before: tuple[tuple[int, int], list[str]] = ((0, 0), [])

    async def follow(self) -> None:
        while not self.over:
            await self.look()
            await asyncio.sleep(0)
        await self.look()

    async def look(self) -> None:
        head, flushed = await self.log.watch(KEY)
        open_step = f"{head.turns}.{head.last.step + 1 if head.last.turn == head.turns else 1} "
        assert all(group.startswith(open_step) for group in flushed), (head.last, head.turns, flushed)
        assert head.running is not None or not flushed
        last, seen = self.before
        assert head.last >= last
        if head.last == last:
            assert flushed[: len(seen)] == seen
        stored = await self.log.read(head, 100)
        assert not head.last.turn or stored[-1].position >= head.last
        self.before = (head.last, flushed)
        self.looks += 1


async def watched(log: SessionLog, work: Callable[[], Awaitable[None]]) -> None:
    watchers = [Watcher(log) for _ in range(2)]

    async def work_and_stop() -> None:
        try:
            await work()
        finally:
            for watcher in watchers:
                watcher.over = True

    await asyncio.gather(work_and_stop(), *(watcher.follow() for watcher in watchers))
    assert all(watcher.looks > 1 for watcher in watchers)


async def tell(writer: Writer, size: int) -> None:
    step = len(writer.stored) + 1
    for number in range(GROUPS):
        await writer.flush(f"{writer.lease.turn}.{step} {number} {noise(size, number)}", lease_until=FOREVER)
        await asyncio.sleep(0)


async def test_a_watcher_sees_what_was_told_or_the_step_that_holds_it(log: SessionLog) -> None:
    await log.create(a_session())

    async def turns() -> None:
        for _ in range(3):
            writer = await begin(log)
            for _ in range(STEPS):
                await tell(writer, 300)
                await writer.append(lease_until=FOREVER)
            await tell(writer, 10)
            await writer.settle()

    await watched(log, turns)
    assert await log.watch(KEY) == (await log.get(KEY), [])
    assert (await log.get(KEY)).last == (3, STEPS + 1)


async def test_a_watcher_sees_large_groups_whole(log: SessionLog) -> None:
    await log.create(a_session())

    async def turn() -> None:
        writer = await begin(log)
        for _ in range(3):
            await tell(writer, 400_000)
            await writer.append(lease_until=FOREVER)
        await writer.settle()

    await watched(log, turn)


async def test_a_watcher_never_sees_the_groups_of_two_holders(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    heard: list[list[str]] = []

    async def hand_to_hand() -> None:
        writer = await begin(log)
        for _ in range(10):
            told = [f"{writer.lease.epoch} {number} {noise(300, number)}" for number in range(GROUPS)]
            for group in told:
                await writer.flush(group, lease_until=clock() + LEASE_MS)
                await asyncio.sleep(0)
            clock.advance(LEASE_MS)
            writer = await take_over(log, lease_until=clock() + LEASE_MS)
            assert writer.flushed == told
            await asyncio.sleep(0)
        await writer.settle()

    async def listen() -> None:
        head, flushed = await log.watch(KEY)
        while head.running is not None or not head.last.turn:
            heard.append(flushed)
            await asyncio.sleep(0)
            head, flushed = await log.watch(KEY)

    await asyncio.gather(hand_to_hand(), listen(), listen())
    assert len(heard) > 2
    for groups in heard:
        tellers = {group.split()[0] for group in groups}
        assert len(tellers) <= 1
        assert [group.split()[1] for group in groups] == [str(number) for number in range(len(groups))]


async def test_two_holders_at_once_leave_the_groups_of_the_second(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    lost = asyncio.Event()

    async def go_on() -> None:
        try:
            while True:
                await old.flush(f"old {old.told}", lease_until=clock())
                await asyncio.sleep(0)
        except LeaseLost:
            lost.set()

    async def rescue() -> Writer:
        await asyncio.sleep(0.02)
        clock.advance(LEASE_MS)
        while True:
            taken = await log.take_over(KEY, clock() + LEASE_MS)
            if taken is not None:
                new = Writer(log, taken.lease, taken.session)
                new.flushed = taken.flushed
                return new

    _, new = await asyncio.gather(go_on(), rescue())
    assert lost.is_set()
    assert new.flushed == [f"old {number}" for number in range(old.told)]
    await new.flush("new")
    assert (await log.watch(KEY)).flushed == ["new"]
