"""A process that will be stopped, or frozen: it gives its turns on in time, and begins nothing that it cannot end."""

import asyncio

import pytest

from sessionful.core.deadline import LAST_WORDS, seconds_left, within
from sessionful.core.pace import Border, Pace
from sessionful.domain.agent import AgentSettings
from sessionful.domain.error import ServerStopping
from sessionful.ports import ModelRequest, Wake
from sessionful.stores.in_memory import InMemoryLog
from tests.core.cable import LEASE_MS, Clock, Process
from tests.core.test_hand_over import Bells

GUEST = Pace(lease_ms=LEASE_MS, flush_seconds=0.01, border_seconds=0.0, lingers=False)


def test_without_a_deadline_there_is_no_border() -> None:
    assert seconds_left() is None
    assert Pace().border(None) is None
    assert not Pace().too_late(None)


def test_the_nearer_of_deadline_and_run_for_counts() -> None:
    pace = Pace(run_for=60, border_seconds=15)
    assert pace.border(None) == Border(60, 75)
    assert pace.border(800) == Border(60, 75)
    assert pace.border(40) == Border(36, 40)
    assert Pace(border_seconds=15).border(890) == Border(875, 890)


def test_a_deadline_inside_another_holds_until_it_is_left() -> None:
    with within(100):
        with within(10):
            assert 7 < (seconds_left() or 0) <= 8
        assert 90 < (seconds_left() or 0) <= 98
    assert seconds_left() is None


async def test_a_turn_is_given_on_before_the_deadline_and_its_waiting_caller_is_answered() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    one = await Process(log, clock, ["word " * 500], delay=0.01, pace=GUEST, alarm=bells).open()
    with within(LAST_WORDS + 0.2):
        turn = await one.say("go")
        async with asyncio.timeout(2):
            record = await turn.result(wait=0.3)
    assert record.status == "running"
    await one.service.rest()
    other = Process(log, clock, ["done"], alarm=bells)
    await other.service.look_after(await bells.now())
    assert (await turn.result()).response == "done"
    assert len(one.model.requests) == 1


async def test_a_reader_without_time_takes_over_nothing() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    dead = await Process(log, clock, ["never " * 100], delay=1.0).open()
    turn = await dead.say("go")
    await asyncio.sleep(0.02)
    dead.cable.cut()
    clock.pass_the_lease()
    hurried = Process(log, clock, ["from the hurried"], pace=Pace(lease_ms=LEASE_MS), alarm=bells)
    with within(LAST_WORDS + 5):
        record = await (await hurried.found(turn.turn_id)).result(wait=0.1)
    assert record.status == "running"
    assert not hurried.model.requests
    calm = Process(log, clock, ["from the calm"])
    with within(LAST_WORDS + 500):
        assert (await (await calm.found(turn.turn_id)).result()).response == "from the calm"


async def test_a_worker_without_time_does_not_take_an_alarm_for_done() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    front = await Process(log, clock, alarm=bells).open()
    turn = await front.say("go", worker_in=0.0)
    hurried = Process(log, clock, ["never"], pace=Pace(lease_ms=LEASE_MS), alarm=bells)
    with within(LAST_WORDS + 5), pytest.raises(ServerStopping):
        await hurried.service.look_after(Wake(turn.session.key, turn.turn_id))
    assert not hurried.model.requests


async def test_a_process_that_does_not_linger_leaves_the_turns_that_wait_to_a_worker() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    queueing = AgentSettings(concurrency="enqueue")
    door = await Process(log, clock, ["first", "second"], delay=0.02, settings=queueing, pace=GUEST, alarm=bells).open()
    first = await door.say("one")
    second = await door.say("two")
    assert (await first.result()).response == "first"
    await door.service.rest()
    assert len(door.model.requests) == 1
    worker = Process(log, clock, ["from the worker"], settings=queueing, alarm=bells)
    await worker.service.look_after(await bells.now())
    assert (await second.result()).response == "from the worker"


async def test_at_rest_every_alarm_is_set_and_nothing_runs() -> None:
    clock = Clock()
    log = InMemoryLog(clock)
    set_for: list[float] = []

    class SlowBell:
        async def set(self, wake: object, delay: float) -> None:
            await asyncio.sleep(0.05)
            set_for.append(delay)

    def endless(request: ModelRequest) -> str:
        return "word " * 1000

    one = await Process(log, clock, [endless], delay=0.01, pace=GUEST, alarm=SlowBell()).open()
    turn = await one.say("go")
    before = asyncio.all_tasks()
    await one.service.rest()
    assert set_for == [LEASE_MS / 1000 + 2, 0.0]
    assert {task for task in asyncio.all_tasks() - {asyncio.current_task()} if task in before} == set()
    session = await log.get(turn.session.key)
    assert session.running is not None
    assert session.running.lease_until <= clock()


async def test_whoever_only_asks_after_a_turn_does_not_take_it_from_the_worker() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    door = await Process(log, clock, ["from the door"], pace=GUEST, alarm=bells).open()
    turn = await door.say("go", worker_in=0.0)
    for _ in range(3):
        assert (await turn.result(wait=0)).status == "running"
    worker = Process(log, clock, ["from the worker"], alarm=bells)
    await worker.service.look_after(await bells.now())
    record = await turn.result()
    assert record.response == "from the worker"
    assert not door.model.requests
