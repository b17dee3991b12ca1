"""A turn outlives its worker: it is given on at a step's border, and its reader hears one stream."""

import asyncio
from typing import Any

from sessionful.core.pace import Pace
from sessionful.domain.event import Told
from sessionful.domain.message import Message
from sessionful.ports import ModelRequest, Wake
from sessionful.stores.in_memory import InMemoryLog
from tests.core.cable import LEASE_MS, Clock, Process
from tests.core.conversation import add, calling

SHORT = Pace(lease_ms=LEASE_MS, flush_seconds=0.01, run_for=0.05, border_seconds=5)


class Bells:
    """Remembers what is to ring; the test rings."""

    def __init__(self) -> None:
        self.set_for: list[tuple[Wake, float]] = []

    async def set(self, wake: Wake, delay: float) -> None:
        self.set_for.append((wake, delay))

    async def now(self) -> Wake:
        while True:
            for one in self.set_for:
                if one[1] == 0:
                    self.set_for.remove(one)
                    return one[0]
            await asyncio.sleep(0.005)


def four_steps(request: ModelRequest) -> Message | str:
    done = sum(message.role == "tool" for message in request.messages)
    return "and that is all" if done == 3 else calling(("add", {"a": done, "b": 1}))


async def relay_of(delay: float, pace: Pace, replies: Any = four_steps) -> tuple[list[Told], list[Process], Process]:
    """A turn that is carried by one process after the other, and what one reader heard of it."""
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    workers = [Process(log, clock, [replies], [add], delay=delay, pace=pace, alarm=bells) for _ in range(8)]
    first = await workers[0].open()
    turn = await first.say("go")
    reader = Process(log, clock, [replies], [add], pace=pace, alarm=bells)  # who is quicker than a worker takes over

    async def work() -> None:
        for worker in workers[1:]:
            await worker.service.look_after(await bells.now())

    working = asyncio.create_task(work())
    async with asyncio.timeout(10):
        events = [told async for told in (await reader.found(turn.turn_id)).events()]
    working.cancel()
    assert bells.set_for[0] == (Wake(turn.session.key, turn.turn_id), LEASE_MS / 1000 + 2)
    return events, workers, reader


async def test_a_long_turn_goes_from_worker_to_worker_and_is_one_stream() -> None:
    events, workers, reader = await relay_of(0.06, SHORT)
    kinds = [told.event.type for told in events]
    assert "turn_superseded" not in kinds
    assert kinds.count("step_completed") == 4
    assert kinds[-1] == "turn_completed"
    assert {told.cursor.attempt for told in events} == {1}
    assert "".join(t.event.text for t in events if t.event.type == "text_delta") == "and that is all"
    asked = [len(one.model.requests) for one in (*workers, reader)]
    assert sum(asked) == 4, "no step was asked for twice"
    assert sum(count > 0 for count in asked) > 1
    again = [told async for told in (await reader.found(events[0].event.turn_id)).events()]
    assert again[-1] == events[-1]


async def test_a_step_without_an_end_is_torn_and_told_again_by_the_next_worker() -> None:
    long_step = Pace(lease_ms=LEASE_MS, flush_seconds=0.01, run_for=0.05, border_seconds=0.05)
    asked: list[int] = []

    def reply(request: ModelRequest) -> str:
        asked.append(1)
        return "too long " * 100 if len(asked) == 1 else "short"

    events, _, reader = await relay_of(0.01, long_step, reply)
    text = ""
    for _, event in events:
        text = text[: event.keep] if event.type == "turn_superseded" else text + getattr(event, "text", "")
    assert text == "short"
    assert await reader.history() == [("user", "go"), ("assistant", "short")]


async def test_a_turn_that_nobody_waits_for_is_carried_by_a_worker_alone() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    front = await Process(log, clock, ["front"], alarm=bells).open()
    worker = Process(log, clock, ["from the worker"], alarm=bells)
    turn = await front.say("go", worker_in=0.0)
    await worker.service.look_after(await bells.now())
    record = await turn.result()
    assert (record.status, record.response) == ("completed", "from the worker")
    assert not front.model.requests


async def test_a_bell_that_rings_twice_or_late_or_early_does_nothing() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    one = await Process(log, clock, ["a b c d"], delay=0.05, alarm=bells).open()
    other = Process(log, clock, ["other"], alarm=bells)
    turn = await one.say("go")
    wake = Wake(turn.session.key, turn.turn_id)
    await other.service.look_after(wake)
    assert (await turn.result()).response == "a b c d"
    for _ in range(2):
        await other.service.look_after(wake)
    await one.service.delete_session("me", None, "s1")
    await other.service.look_after(wake)
    assert not other.model.requests


async def test_a_process_that_stops_gives_its_turn_on() -> None:
    clock, bells = Clock(), Bells()
    log = InMemoryLog(clock)
    one = await Process(log, clock, ["word " * 300], delay=0.01, alarm=bells).open()
    turn = await one.say("go")
    await asyncio.sleep(0.05)
    await one.service.close()
    other = Process(log, clock, ["done"], alarm=bells)
    await other.service.look_after(await bells.now())
    assert (await other.service.get_turn("me", None, "s1", turn.turn_id)).response == "done"
