"""Law 5: whatever happens and whenever, the stored history is one that every provider accepts, and it can be gone on
with. Replies are anything a model may say; they are interrupted in every way and at every place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.core.pace import Pace
from sessionful.domain.error import ModelUnavailable
from sessionful.domain.message import Message
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import Finish, ModelRequest, Piece
from sessionful.stores.in_memory import InMemoryLog
from tests.core.conversation import Clock
from tests.laws.histories import replies
from tests.laws.processes import LEASE_MS, Bell, MortalLog, Process, a_session, check_goes_on

scripts = st.lists(replies, min_size=1, max_size=3)
few = settings(max_examples=40, deadline=None)


async def opened() -> tuple[InMemoryLog, Clock]:
    clock = Clock()
    log = InMemoryLog(clock)
    await a_session(log, clock)
    return log, clock


@given(st.lists(scripts, min_size=1, max_size=3))
@few
async def test_whatever_models_say_can_be_gone_on_with(turns: list[list[Message]]) -> None:
    log, clock = await opened()
    former = [Process(log, clock, script, delay=0) for script in turns]
    for process in former:
        await process.ask("go")
    await check_goes_on(Process(log, clock), *former)


@given(scripts, st.integers(0, 25))
@few
async def test_a_turn_cancelled_anywhere_leaves_a_good_history(script: list[Message], events: int) -> None:
    log, clock = await opened()
    process = Process(log, clock, script)
    handle = await process.say("go")
    heard = 0
    async for _ in handle.events():
        heard += 1
        if heard > events:
            break
    await process.service.cancel_turn("me", None, "s", handle.turn_id)
    await check_goes_on(Process(log, clock), process)


@given(scripts, st.floats(0, 0.03))
@few
async def test_a_turn_that_runs_out_of_time_anywhere_leaves_a_good_history(
    script: list[Message], seconds: float
) -> None:
    log, clock = await opened()
    process = Process(log, clock, script, turn_timeout=seconds + 0.0001)
    await process.ask("go")
    await check_goes_on(Process(log, clock), process)


async def broken_off(reply: Message, pieces: int, request: ModelRequest) -> AsyncIterator[Piece]:
    """The first so many pieces of a reply, then an error."""
    async for piece in ScriptedModel([reply]).stream(request):
        if pieces == 0 or isinstance(piece, Finish):
            break
        pieces -= 1
        yield piece
    raise ModelUnavailable("gone")


@given(scripts, st.integers(0, 8))
@few
async def test_a_model_that_fails_anywhere_leaves_a_good_history(script: list[Message], pieces: int) -> None:
    log, clock = await opened()
    *whole, last = script

    def fail(request: ModelRequest) -> Any:
        return broken_off(last, pieces, request)

    process = Process(log, clock, [*whole, fail], delay=0)
    await process.ask("go")
    await check_goes_on(Process(log, clock), process)


@given(scripts, st.integers(1, 12), st.booleans(), scripts)
@few
async def test_a_process_that_dies_at_any_write_leaves_a_good_history_and_pays_once(
    script: list[Message], dies_at: int, behind: bool, rest: list[Message]
) -> None:
    log, clock = await opened()
    mortal = MortalLog(log, dies_at, behind)
    process = Process(mortal, clock, script)
    life = asyncio.create_task(process.ask("go"))
    death = asyncio.create_task(mortal.dead.wait())
    await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
    died = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    for task in died:
        task.cancel()
    await asyncio.gather(*died, return_exceptions=True)
    clock.now += LEASE_MS + 1
    heir = Process(log, clock, rest)
    await check_goes_on(heir, process)
    paid = process.paid + heir.paid
    assert len(set(paid)) == len(paid)


@given(scripts, st.floats(0, 0.03), scripts)
@few
async def test_a_turn_handed_over_anywhere_leaves_a_good_history(
    script: list[Message], seconds: float, rest: list[Message]
) -> None:
    log, clock = await opened()
    bell = Bell()
    pace = Pace(lease_ms=LEASE_MS, flush_seconds=0.002, run_for=seconds / 2, border_seconds=seconds / 2)
    process = Process(log, clock, script, pace=pace, alarm=bell)
    handle = await process.say("go")
    await process.service.close()
    heir = Process(log, clock, rest)
    for wake in bell.wakes:
        await heir.service.look_after(wake)
    await (await heir.service.find_turn("me", None, "s", handle.turn_id)).result()
    await check_goes_on(heir, process)
    paid = process.paid + heir.paid
    assert len(set(paid)) == len(paid)


@given(st.lists(scripts, min_size=1, max_size=2))
@settings(max_examples=15, deadline=None)
async def test_a_fork_or_a_rewind_at_any_step_leaves_a_good_history(turns: list[list[Message]]) -> None:
    log, clock = await opened()
    former = [Process(log, clock, script, delay=0) for script in turns]
    for process in former:
        await process.ask("go")
    process = Process(log, clock, delay=0)
    session = await process.service.get_session("me", None, "s")
    places = [f"{entry.position.turn}.{entry.position.step}" for entry in await log.read(session, 100)]
    for place in places:
        await process.service.fork_session("me", None, "s", place, at=place)
        await check_goes_on(process, session_id=place)
    for place in reversed(places):
        await process.service.rewind_session("me", None, "s", place)
        await check_goes_on(process)
        await process.service.rewind_session("me", None, "s", place)
