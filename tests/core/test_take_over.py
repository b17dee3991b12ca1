"""A holder dies: whoever comes first goes on with its turn, and a reader puts together what is stored in the end."""

import asyncio
from collections.abc import AsyncIterator

from sessionful.domain.agent import AgentSettings, Limits
from sessionful.domain.error import RateLimited, StoreUnavailable
from sessionful.domain.event import Told
from sessionful.domain.message import Message
from sessionful.domain.turn import Group, Lease
from sessionful.ports import ModelRequest, ToolContext
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool
from tests.core.cable import Clock, Process
from tests.core.conversation import calling, until


def assembled(events: list[Told]) -> str:
    """The turn's text as a reader has it that honours `turn_superseded`."""
    text = ""
    for _, event in events:
        if event.type == "text_delta":
            text += event.text
        elif event.type == "turn_superseded":
            text = text[: event.keep]
    return text


async def heard(events: AsyncIterator[Told], into: list[Told], texts: int = 1000) -> list[Told]:
    async for told in events:
        into.append(told)
        if sum(t.event.type == "text_delta" for t in into) >= texts:
            break
    return into


class Ledger:
    """Counts what the tools really did."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.gate = asyncio.Event()

        @tool
        async def pay(amount: int, context: ToolContext) -> str:
            """Pay."""
            self.keys.append(context.idempotency_key)
            await self.gate.wait()
            return f"paid {amount}"

        @tool(idempotent=True)
        async def look(context: ToolContext) -> str:
            """Look."""
            self.keys.append(context.idempotency_key)
            await self.gate.wait()
            return "seen"

        self.pay, self.look = pay, look


async def test_a_reader_elsewhere_hears_the_tokens_of_a_turn_while_it_runs() -> None:
    log, clock = InMemoryLog(Clock()), Clock()
    there = await Process(log, clock, ["one two three four five six"], delay=0.05).open()
    here = Process(log, clock)
    turn = await there.say("count")
    reader = await here.found(turn.turn_id)
    events: list[Told] = []
    await heard(reader.events(), events, texts=1)
    assert (await here.service.get_turn("me", None, "s1", turn.turn_id)).status == "running"
    rest = await heard(reader.events(events[-1].cursor), [])
    live = await heard(turn.events(), [])
    assert assembled(events + rest) == assembled(live) == "one two three four five six"
    assert events + rest == sorted(events + rest, key=lambda told: told.cursor)


async def test_a_torn_reply_is_tried_again_and_supersedes_what_was_told_of_it() -> None:
    log, clock = InMemoryLog(clock := Clock()), clock
    first = await Process(log, clock, ["alpha beta gamma delta " * 20], delay=0.05).open()
    second = Process(log, clock, ["a different answer"])
    turn = await first.say("go")
    reader, events = await second.found(turn.turn_id), list[Told]()
    await heard(reader.events(), events, texts=1)
    first.cable.cut()
    clock.pass_the_lease()
    rest = await heard(reader.events(events[-1].cursor), [])
    assert [t.event.keep for t in rest if t.event.type == "turn_superseded"] == [0]
    assert assembled(events + rest) == "a different answer"
    assert await second.history() == [("user", "go"), ("assistant", "a different answer")]
    late = await heard(reader.events(), [])
    assert assembled(late) == "a different answer"


async def test_finished_steps_and_finished_tools_are_kept_and_the_open_ones_run_on() -> None:
    log, clock, done = InMemoryLog(clock := Clock()), clock, Ledger()
    calls = calling(("look", {}), ("pay", {"amount": 1}))
    first = await Process(log, clock, [calls], [done.look, done.pay]).open()
    turn = await first.say("go")
    await until(lambda: len(done.keys) == 2)
    first.cable.cut()
    clock.pass_the_lease()
    second = Process(log, clock, ["over"], [done.look, done.pay])
    record = await (await second.found(turn.turn_id)).result()
    assert record.status == "interrupted"
    assert record.error is not None
    assert [one["name"] for one in record.error["details"]["tools"]] == ["pay"]
    assert len(done.keys) == 2, "neither ran again: the turn is over"
    assert [r.is_error for r in record.tool_results] == [True, True]
    assert (await (await second.say("still there?")).result()).status == "completed"


async def test_a_tool_that_may_be_repeated_is_called_again_with_the_same_key() -> None:
    log, clock, done = InMemoryLog(clock := Clock()), clock, Ledger()
    first = await Process(log, clock, [calling(("look", {}))], [done.look]).open()
    turn = await first.say("go")
    await until(lambda: bool(done.keys) and "flush" in first.cable.calls)
    first.cable.cut()
    clock.pass_the_lease()
    done.gate.set()
    second = Process(log, clock, ["over"], [done.look])
    record = await (await second.found(turn.turn_id)).result()
    assert (record.status, record.response) == ("completed", "over")
    assert done.keys[0] == done.keys[1]
    assert len(second.model.requests) == 1, "the reply was known, so the model was not asked for it again"


async def test_a_finished_tool_is_not_run_again_beside_one_that_was_torn() -> None:
    log, clock, done = InMemoryLog(clock := Clock()), clock, Ledger()
    ran: list[str] = []

    @tool
    async def pay() -> str:
        """Pay."""
        ran.append("pay")
        return "paid"

    first = await Process(log, clock, [calling(("pay", {}), ("look", {}))], [pay, done.look]).open()
    turn = await first.say("go")
    while "paid" not in "".join((await log.watch(turn.session.key)).flushed):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    first.cable.cut()
    clock.pass_the_lease()
    done.gate.set()
    second = Process(log, clock, ["thanks"], [pay, done.look])
    record = await (await second.found(turn.turn_id)).result()
    assert (record.status, record.response, ran) == ("completed", "thanks", ["pay"])
    assert {(r.name, r.content) for r in record.tool_results} == {("pay", "paid"), ("look", "seen")}


async def test_the_next_message_waits_for_the_turn_of_a_dead_holder_and_is_answered_after_it() -> None:
    log, clock = InMemoryLog(clock := Clock()), clock
    first = await Process(log, clock, ["never said in whole, this"], delay=0.05).open()
    turn = await first.say("one")
    first.cable.cut()
    clock.pass_the_lease()
    second = Process(log, clock, ["answer one", "answer two"])
    record = await (await second.say("two")).result()
    assert record.response == "answer two"
    assert (await second.service.get_turn("me", None, "s1", turn.turn_id)).response == "answer one"
    assert await second.history() == [
        ("user", "one"), ("assistant", "answer one"), ("user", "two"), ("assistant", "answer two"),
    ]  # fmt: skip


async def test_a_turn_that_kills_every_process_is_closed_in_the_end() -> None:
    log, clock = InMemoryLog(clock := Clock()), clock
    settings = AgentSettings(limits=Limits(max_attempts=2))
    first = await Process(log, clock, ["deadly words"], delay=0.2, settings=settings).open()
    turn = await first.say("go")
    first.cable.cut()
    for _ in range(2):
        clock.pass_the_lease()
        again = Process(log, clock, ["deadly words"], delay=0.2, settings=settings)
        await again.found(turn.turn_id)
        again.cable.cut()
    clock.pass_the_lease()
    last = Process(log, clock, ["fine"], settings=settings)
    record = await last.service.get_turn("me", None, "s1", turn.turn_id)
    assert (record.status, record.error and record.error["details"]["attempts"]) == ("interrupted", 2)
    assert (await (await last.say("next")).result()).status == "completed"


async def test_cancelling_from_another_process_stops_a_silent_model_and_a_talking_one() -> None:
    for reply in (["word " * 400], [lambda request: asyncio.sleep(60)]):
        log, clock = InMemoryLog(clock := Clock()), clock
        there = await Process(log, clock, reply, delay=0.01).open()
        here = Process(log, clock)
        turn = await there.say("go")
        await here.service.cancel_turn("me", None, "s1", turn.turn_id)
        async with asyncio.timeout(3):
            assert (await turn.result()).status == "cancelled"


async def test_an_old_holder_that_wakes_up_late_changes_nothing_and_its_readers_follow_the_new_one() -> None:
    log, clock = InMemoryLog(clock := Clock()), clock
    first = await Process(log, clock, ["a b c d e f g h i j"], delay=0.03).open()
    second = Process(log, clock, ["z y x"])
    turn = await first.say("go")
    reading = asyncio.create_task(heard(turn.events(), []))
    await until(lambda: "flush" in first.cable.calls)
    clock.pass_the_lease()
    record = await (await second.found(turn.turn_id)).result()
    assert record.response == "z y x"
    assert assembled(await reading) == "z y x"
    assert await first.history() == [("user", "go"), ("assistant", "z y x")]


async def test_a_death_at_any_write_leaves_one_whole_answer() -> None:
    def reply(request: ModelRequest) -> Message | str:
        return "well done" if request.messages[-1].role == "tool" else calling(("look", {}))

    for name, k, when in [
        ("begin", 1, "after"), ("flush", 1, "before"), ("flush", 1, "after"), ("flush", 2, "after"),
        ("append", 1, "before"), ("append", 1, "after"), ("settle", 1, "before"), ("settle", 1, "after"),
    ]:  # fmt: skip
        log, clock, done = InMemoryLog(clock := Clock()), clock, Ledger()
        done.gate.set()
        first = await Process(log, clock, [reply], [done.look], delay=0.02).open()
        first.cable.cut_at = (name, k, when)
        saying = asyncio.create_task(first.say("go", idempotency_key="k"))
        async with asyncio.timeout(5):
            await first.cable.is_cut.wait()
        clock.pass_the_lease()
        second = Process(log, clock, [reply], [done.look])
        retried = await second.say("go", idempotency_key="k")
        record = await retried.result()
        assert (record.status, record.response) == ("completed", "well done"), (name, k, when)
        assert assembled(await heard(retried.events(), [])) == "well done"
        assert [role for role, _ in await second.history()] == ["user", "assistant", "tool", "assistant"]
        assert len(set(done.keys)) <= 1
        saying.cancel()


async def test_a_store_that_stumbles_while_a_tool_call_is_written_down_does_not_fail_the_turn() -> None:
    clock, done = Clock(), Ledger()
    done.gate.set()
    stumbles = [StoreUnavailable("busy"), RateLimited("too much")]

    class Stumbling(InMemoryLog):
        async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
            if group is not None and stumbles:
                raise stumbles.pop()
            return await super().flush(lease, group, lease_until)

    log = Stumbling(clock)
    process = await Process(log, clock, [calling(("pay", {"amount": 1})), "paid"], [done.pay]).open()
    record = await (await process.say("go")).result()
    assert (record.status, record.response, stumbles) == ("completed", "paid", [])
