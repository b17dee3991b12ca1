"""Summaries are made out of the user's way: whatever becomes of the summariser, the conversation goes on."""

import asyncio
from typing import Any

import pytest

from sessionful.core.memory.summary import latest_summary
from sessionful.core.memory.working import summarise
from sessionful.core.pace import Pace
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.error import ModelUnavailable, StoreUnavailable
from sessionful.ports import ModelRequest
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.core.conversation import until
from tests.core.memory.talking import BUDGET, FACT, Talk, copied, summary_in, tokens_of
from tests.core.test_hand_over import Bells

ME = ("me", None, "s1")


async def kept(talk: Talk, session: str = "s1") -> Any:
    return await latest_summary(talk.bank, await talk.service.get_session("me", None, session))


async def test_a_summariser_that_fails_harms_no_turn_and_is_caught_up_with_later() -> None:
    talk = Talk(summarise=lambda request: ModelUnavailable("the model is away"))
    await talk.open()
    await talk.turns(1, 80)
    assert await kept(talk) is None
    assert max(tokens_of(prompt.messages[:-1]) for prompt in talk.prompts) <= BUDGET
    assert all(prompt.messages[0].role == "user" for prompt in talk.prompts)
    talk.summarise = copied
    await talk.turns(81, 82)
    assert len(FACT.findall(summary_in(talk.prompts[-1]))) == 5


async def test_a_summariser_that_says_nothing_makes_no_summary() -> None:
    talk = await Talk(summarise=lambda request: "  \n").open()
    await talk.turns(1, 30)
    assert talk.summaries
    assert await kept(talk) is None


async def test_a_bank_that_fails_harms_no_turn() -> None:
    class Broken(InMemoryBank):
        async def summary(self, *args: Any, **kwargs: Any) -> Any:
            raise StoreUnavailable("the bank is away")

    talk = await Talk(bank=Broken()).open()
    await talk.turns(1, 40)
    assert len(talk.prompts) == 40
    assert tokens_of(talk.prompts[-1].messages[:-1]) <= BUDGET


async def test_the_next_turn_does_not_wait_for_a_slow_summary() -> None:
    gate, asked = asyncio.Event(), list[ModelRequest]()

    async def slow(request: ModelRequest) -> str:
        asked.append(request)
        await gate.wait()
        return copied(request)

    talk = await Talk(summarise=slow).open()
    number = 0
    while not asked:
        number += 1
        fact = f"Fact {number}: locker {number} opens with {number}. " if number < 4 else ""
        await (await talk.say(f"{fact}Turn {number} is about the weather of that day.")).result()
        await asyncio.sleep(0)
        assert number < 100
    before = talk.prompts[-1]
    async with asyncio.timeout(5):
        await (await talk.say("the next turn")).result()
        await (await talk.say("and one more")).result()
    late = talk.prompts[-1]
    assert late.messages[: len(before.messages)] == before.messages, "all is still there, and the cache still holds"
    gate.set()
    await talk.service.rest()
    await (await talk.say("now it is ready")).result()
    assert len(FACT.findall(summary_in(talk.prompts[-1]))) == 3
    assert len(asked) <= 2, "what came due meanwhile was seen to once"


async def test_of_two_summarisers_at_once_one_is_kept_and_both_go_on_with_it() -> None:
    talk = await Talk(summarise=lambda request: ModelUnavailable("not yet")).open()
    await talk.turns(1, 40)
    head = await talk.service.get_session(*ME)
    both = [talk.again(summarise=lambda request, who=who: f"{copied(request)} By {who}.") for who in "AB"]
    await asyncio.gather(*(summarise(one.agent, one.log, head) for one in both))
    summary = await kept(talk)
    assert len(FACT.findall(summary.text)) == 5
    for one in both:
        await one.ask("and now?")
        assert summary_in(one.prompts[0]).endswith(summary.text)


async def test_a_long_past_is_folded_piece_by_piece_and_a_failure_loses_no_piece() -> None:
    talk = await Talk(working=WorkingMemory(strategy="full")).open()
    await talk.turns(1, 150)
    tries = list[ModelRequest]()

    def fails_at_the_third(request: ModelRequest) -> str | Exception:
        tries.append(request)
        return ModelUnavailable("away") if len(tries) == 3 else copied(request)

    later = talk.again(working=WorkingMemory(budget=BUDGET), summarise=fails_at_the_third)
    await later.turns(151, 151)
    first = await kept(later)
    assert first is not None
    assert len(tries) == 3
    await later.turns(152, 152)
    assert (await kept(later)).upto > first.upto
    assert max(tokens_of(request.messages) for request in tries) < 1.2 * BUDGET
    assert tries[3].messages == tries[2].messages, "it went on where it had failed"
    await later.ask("still there?")
    assert len(FACT.findall(summary_in(later.prompts[-1]))) == 5


async def test_a_summary_is_cut_to_its_size_behind_a_sentence() -> None:
    talk = await Talk(summarise=lambda request: "This sentence goes on for a while. " * 200).open()
    await talk.turns(1, 60)
    summary = await kept(talk)
    assert 0.1 * BUDGET < summary.tokens <= 0.16 * BUDGET
    assert summary.text.endswith("for a while.")
    assert max(tokens_of(prompt.messages[:-1]) for prompt in talk.prompts) <= BUDGET


async def test_after_a_rewind_only_what_is_seen_counts() -> None:
    talk = await Talk().open()
    await talk.turns(1, 30)
    early = await kept(talk)
    await talk.turns(31, 90)
    late = await kept(talk)
    assert late.upto > early.upto
    await talk.service.rewind_session(*ME, "45")
    seen = await kept(talk)
    assert early.upto <= seen.upto <= (45, 1)
    await talk.ask("where were we?")
    shown = " ".join(message.text for message in talk.prompts[-1].messages)
    assert len(FACT.findall(shown)) == 5
    assert not any(f"Turn {number} is" in shown for number in range(46, 91))
    await talk.turns(92, 140)
    assert len(FACT.findall(summary_in(talk.prompts[-1]))) == 5
    assert not any(f"Turn {n} is" in request.messages[0].text for request in talk.summaries[-3:] for n in range(46, 91))


async def test_a_fork_uses_its_parents_summary_up_to_where_it_was_forked_and_makes_its_own() -> None:
    talk = await Talk().open()
    await talk.turns(1, 90)
    parents = await kept(talk)
    head = await talk.service.fork_session("me", None, "s1", "s2", "60")
    inherited = await kept(talk, "s2")
    assert inherited.log == parents.log != head.log
    assert inherited.upto <= (60, 1)
    await talk.turns(91, 130, session="s2")
    own = await kept(talk, "s2")
    assert own.log == head.log
    assert len(FACT.findall(summary_in(talk.prompts[-1]))) == 5
    assert not any(f"Turn {number} is" in own.text for number in range(61, 91))
    await talk.service.delete_session("me", None, "s1")
    assert await kept(talk, "s2") == own
    assert await kept(talk, "s2") is not None
    await talk.service.clear_session("me", None, "s2")
    assert await kept(talk, "s2") is None


async def test_a_session_that_is_deleted_while_it_is_summed_up_leaves_nothing() -> None:
    gate, asked = asyncio.Event(), list[ModelRequest]()

    async def slow(request: ModelRequest) -> str:
        asked.append(request)
        await gate.wait()
        return copied(request)

    bank = InMemoryBank()
    talk = await Talk(summarise=slow, bank=bank).open()
    while not asked:
        await (await talk.say("Turn by turn they speak about the weather of that day, and nothing else.")).result()
        await asyncio.sleep(0)
    await talk.service.delete_session(*ME)
    gate.set()
    await talk.service.rest()
    assert bank.raw_count() == 0


@pytest.mark.parametrize("lingers", [True, False])
async def test_who_does_not_linger_wakes_a_worker_and_only_when_something_is_due(lingers: bool) -> None:
    bells = Bells()
    talk = await Talk(pace=Pace(lingers=lingers), alarm=bells).open()
    worker = talk.again(alarm=bells)
    at_once = []
    for number in range(1, 41):
        fact = f"Fact {number}: locker {number} opens with {number}. " if number < 4 else ""
        await (await talk.say(f"{fact}Turn {number} is about the weather of that day.")).result()
        await asyncio.sleep(0.001)
        if any(delay == 0 for _, delay in bells.set_for):
            at_once.append(number)
            await worker.service.look_after(await bells.now())
    await talk.service.rest()
    assert bool(talk.summaries) is lingers
    assert len(at_once) == len(worker.summaries)
    assert bool(at_once) is not lingers
    assert len(at_once) < 20
    assert len(FACT.findall(summary_in(talk.prompts[-1]))) == 3


async def test_a_process_that_ends_lets_a_slow_summary_go_to_a_worker() -> None:
    bells, asked = Bells(), list[ModelRequest]()

    async def endless(request: ModelRequest) -> str:
        asked.append(request)
        await asyncio.Event().wait()
        return ""

    talk = await Talk(summarise=endless, alarm=bells).open()
    while not asked:
        await (await talk.say("Turn by turn they speak about the weather of that day, and nothing else.")).result()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await talk.service.close()
    worker = talk.again(summarise=copied)
    await worker.service.look_after(await bells.now())
    await until(lambda: worker.summaries)
    assert await kept(worker) is not None
