"""What clients do in a session while servers die around them."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.torture.plans import Plan, StepPlan
from tests.torture.reader import DIALECTS, Screen
from tests.torture.talk import Ask, Talk

Scenario = Callable[[Talk], Awaitable[None]]


def a_plan(talk: Talk, longest: int = 60) -> Plan:
    chance = talk.client.random
    steps = []
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        tools = chance.choice((("pay",), ("note",), ("pay", "note"), ("note", "note")))
        steps.append(StepPlan(chance.randint(0, longest // 2), tools))
    return (*steps, StepPlan(chance.randint(1, longest)))


def a_screen(talk: Talk) -> Screen:
    return Screen(talk.client.random.choice(DIALECTS))


async def streams(talk: Talk) -> None:
    ask = talk.new_ask(a_plan(talk))
    await talk.stream(ask, a_screen(talk))
    await _look_up(talk, ask)


async def waits_for_the_whole(talk: Talk) -> None:
    await talk.send(talk.new_ask(a_plan(talk, 20)))


async def streams_to_many(talk: Talk) -> None:
    """One sent it, others read along, from its beginning, and one comes when all is over."""
    ask = talk.new_ask(a_plan(talk))

    async def reads_along() -> None:
        await ask.begun.wait()
        if ask.turn_id is not None:
            await talk.watch(ask, a_screen(talk))

    await asyncio.gather(talk.stream(ask, a_screen(talk)), reads_along(), reads_along())
    if ask.turn_id is not None:
        await talk.watch(ask, a_screen(talk))
    await _look_up(talk, ask)


async def sends_the_same_twice(talk: Talk) -> None:
    """Two clients with one key, as after a lost answer: one turn."""
    ask = talk.new_ask(a_plan(talk))
    await asyncio.gather(talk.stream(ask, a_screen(talk)), talk.stream(ask, a_screen(talk)))
    await _look_up(talk, ask)


async def sends_a_second(talk: Talk) -> None:
    """While the first is being answered; what becomes of the first is the agent's to decide."""
    first, second = talk.new_ask(a_plan(talk)), talk.new_ask(a_plan(talk, 20))

    async def goes_second() -> None:
        await first.begun.wait()
        await asyncio.sleep(talk.client.random.random() * 0.5)
        if talk.mode == "rollback" and first.turn_id is not None:
            talk.gone.add(first.turn_id)
        await talk.stream(second, a_screen(talk))

    await asyncio.gather(talk.stream(first, a_screen(talk)), goes_second())
    await _look_up(talk, first)
    await _look_up(talk, second)


async def cancels(talk: Talk) -> None:
    ask = talk.new_ask(a_plan(talk))

    async def stops_it() -> None:
        await ask.begun.wait()
        await asyncio.sleep(talk.client.random.random() * 0.5)
        if ask.turn_id is not None:
            await talk.cancel(ask)

    await asyncio.gather(talk.stream(ask, a_screen(talk)), stops_it())
    await _look_up(talk, ask)


async def goes_back(talk: Talk) -> None:
    """Names a point, goes on from there, and goes back to it: messages and state are what they were."""
    name = f"point-{talk.client.random.randrange(10**9)}"
    await talk.do("PATCH", talk.path, 200, json={"state": {"at": name}})
    await talk.make(f"{talk.path}/checkpoints", f"key-{name}", name=name)
    before = await talk.history()
    ask = talk.new_ask(a_plan(talk, 20))
    await talk.stream(ask, a_screen(talk))
    await _look_up(talk, ask)
    await talk.do("PATCH", talk.path, 200, json={"state": {"at": "somewhere else"}})
    await talk.go_back(name, ask)
    state = (await talk.do("GET", talk.path, 200)).get("state")
    if state != {"at": name}:
        talk.violations.append(f"back at {name}, the state is {state}")
    if await talk.history() != before:
        talk.violations.append(f"back at {name}, the history is not what it was")


SCENARIOS: tuple[Scenario, ...] = (
    streams,
    streams,
    waits_for_the_whole,
    streams_to_many,
    sends_the_same_twice,
    sends_a_second,
    cancels,
    goes_back,
)


async def forks(talk: Talk) -> Talk:
    """A session that shares the past of this one, to go on with. The other may be deleted meanwhile."""
    chance = talk.client.random
    name = f"fork-{chance.randrange(10**9)}-{talk.session}"
    child = Talk(talk.client, talk.mode, name, talk.cutting, past=await talk.history())
    await talk.make(f"{talk.path}/fork", f"key-{name}", session_id=name)
    if chance.random() < 0.3:
        talk.deleted = True
        await talk.client.insist("DELETE", talk.path)
    return child


async def _look_up(talk: Talk, ask: Ask) -> None:
    if ask.turn_id is not None and ask.refused is None:
        ask.record = await talk.settled(ask)
