"""The holder of a lease writes steps; entries are never rewritten."""

import pytest

from sessionful.domain.error import AgentError, SessionBusy
from sessionful.domain.identity import new_turn_id
from sessionful.domain.message import Message, ToolCall
from sessionful.domain.session import Position
from sessionful.domain.usage import Usage
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_session, an_entry, places, texts
from tests.contracts.writer import begin, take_over, take_turn


async def test_a_step_is_stored_and_the_lease_prolonged_in_one_write(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    entry = await writer.append("one", lease_until=NOON + 500_000)
    head = await log.get(KEY)
    assert writer.session.running is not None
    expected = {
        "last": Position(1, 1),
        "message_count": entry.message_count,
        "usage": entry.usage_total,
        "running": writer.session.running.model_copy(update={"lease_until": NOON + 500_000}),
        "version": writer.session.version + 1,
    }
    assert head == writer.session.model_copy(update=expected)
    assert await log.read(head, 10) == [entry]


async def test_the_last_step_frees_the_session_in_the_same_write(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.append("one")
    before = await log.get(KEY)
    head = await writer.settle("two")
    entry = writer.stored[-1]
    expected = {
        "last": Position(1, 2),
        "message_count": 3,
        "usage": entry.usage_total,
        "running": None,
        "version": before.version + 1,
    }
    assert head == before.model_copy(update=expected)
    assert await log.get(KEY) == head
    assert await log.read(head, 10) == writer.stored


async def test_steps_do_not_slide_the_activity(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    clock.advance(7)
    await writer.append()
    assert (await writer.settle()).updated_at == NOON


async def test_a_place_is_never_written_twice(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    first = await writer.append("first")
    second = first.model_copy(update={"reply": Message.assistant("second")})
    with pytest.raises(AgentError):
        await log.append(writer.lease, second, NOON + 90_000)
    assert await log.read(await log.get(KEY), 10) == [first]
    assert texts([*writer.stored]) == ["hello", "first"]


async def test_what_was_put_in_by_hand_is_a_turn_of_its_own(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    before = await take_turn(log)
    clock.advance(9)
    given = (Message.user("by the way"), Message.assistant("noted"))
    entry = an_entry(given=given, usage=Usage(input_tokens=1), message_count=4)
    head = await log.insert(KEY, entry)
    assert (head.turns, head.last, head.updated_at) == (2, (2, 1), NOON + 9)
    assert (head.running, head.epoch, head.message_count) == (None, before.epoch, before.message_count + 2)
    assert head.usage == before.usage + Usage(input_tokens=1)
    assert head.version == before.version + 1
    assert await log.get(KEY) == head
    placed = {"position": Position(2, 1), "message_count": head.message_count, "usage_total": head.usage}
    nonce = entry.turn_id.rpartition("_")[2]
    assert await log.turn(head, 2) == [entry.model_copy(update={**placed, "turn_id": new_turn_id(2, nonce)})]
    assert (await begin(log)).lease.turn == 3


async def test_the_sums_of_what_was_put_in_do_not_trust_an_old_head(log: SessionLog) -> None:
    await log.create(a_session())
    stale = an_entry("one", message_count=1, usage=Usage(output_tokens=2), usage_total=Usage(output_tokens=2))
    for _ in range(3):
        head = await log.insert(KEY, stale)
    assert (head.message_count, head.usage) == (3, Usage(output_tokens=6))
    entries = await log.read(head, 10)
    assert [(e.message_count, e.usage_total.output_tokens) for e in entries] == [(1, 2), (2, 4), (3, 6)]


async def test_nothing_is_put_in_while_a_turn_runs(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    with pytest.raises(SessionBusy):
        await log.insert(KEY, an_entry("aside"))
    clock.advance(LEASE_MS)
    with pytest.raises(SessionBusy) as refusal:
        await log.insert(KEY, an_entry("aside"))
    assert refusal.value.details["lease_expired"] is True
    assert texts(await log.read(await writer.settle(), 10)) == ["hello", "done"]


async def test_a_prolonged_lease_lasts_longer(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    assert await log.flush(writer.lease, None, NOON + 200_000) is False
    clock.advance(LEASE_MS)
    assert await log.take_over(KEY, NOON + 900_000) is None
    assert writer.session.running is not None
    running = (await log.get(KEY)).running
    assert running == writer.session.running.model_copy(update={"lease_until": NOON + 200_000})


async def test_a_wish_to_cancel_reaches_the_holder(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await log.ask_cancel(KEY, 1)
    running = (await log.get(KEY)).running
    assert running is not None
    assert running.cancel_asked
    assert await log.flush(writer.lease, None, NOON + 200_000) is True
    await writer.append()
    assert await log.flush(writer.lease, None, NOON + 200_000) is True
    await writer.settle()
    following = await begin(log)
    assert await log.flush(following.lease, None, NOON + 200_000) is False


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_a_wish_to_cancel_another_turn_changes_nothing(log: SessionLog, number: int) -> None:
    await log.create(a_session())
    await take_turn(log)
    writer = await begin(log)
    await log.ask_cancel(KEY, number)
    assert await log.get(KEY) == writer.session
    assert await log.flush(writer.lease, None, NOON + 200_000) is False


async def test_a_wish_to_cancel_an_idle_session_changes_nothing(log: SessionLog) -> None:
    await log.create(a_session())
    head = await take_turn(log)
    await log.ask_cancel(KEY, 1)
    assert await log.get(KEY) == head


async def test_a_wish_to_cancel_outlives_a_take_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await begin(log)
    await log.ask_cancel(KEY, 1)
    clock.advance(LEASE_MS)
    writer = await take_over(log)
    assert await log.flush(writer.lease, None, NOON + 900_000) is True


async def test_steps_of_many_turns_lie_in_their_order(log: SessionLog) -> None:
    await log.create(a_session())
    for number in range(1, 13):
        await take_turn(log, KEY, str(number), "a", "b")
    entries = await log.read(await log.get(KEY), 100)
    assert places(entries) == [(turn, step) for turn in range(1, 13) for step in (1, 2)]


async def test_what_a_caller_does_to_an_entry_does_not_reach_the_store(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    call = ToolCall(id="c1", name="look", arguments={"where": ["Rome"]})
    results = Message.tool("sunny", "c1", "look")
    await writer.append(reply=Message.assistant(call), results=results)
    call.arguments["where"].append("Paris")
    for _ in range(2):
        (entry,) = await log.read(await log.get(KEY), 10)
        assert entry.reply is not None
        assert entry.reply.tool_calls[0].arguments == {"where": ["Rome"]}
        entry.reply.tool_calls[0].arguments["where"].append("Oslo")
