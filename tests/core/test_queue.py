"""A message that finds its session taken: refused, queued, or making room for itself; from any process."""

import asyncio
from typing import Any

import pytest

from sessionful.domain.agent import AgentSettings
from sessionful.domain.error import SessionBusy
from sessionful.domain.session import SessionChange
from sessionful.stores.in_memory import InMemoryLog
from tests.core.cable import Clock, Process
from tests.core.conversation import until

SLOW = "word " * 200


def mode(concurrency: Any) -> AgentSettings:
    return AgentSettings(concurrency=concurrency)


async def two(concurrency: str, *replies: Any, delay: float = 0.01) -> tuple[Process, Process, InMemoryLog, Clock]:
    """Two processes over one log."""
    clock = Clock()
    log = InMemoryLog(clock)
    one = await Process(log, clock, replies, delay=delay, settings=mode(concurrency)).open()
    return one, Process(log, clock, replies, delay=delay, settings=mode(concurrency)), log, clock


async def statuses(process: Process) -> list[tuple[str, str]]:
    page = await process.service.history("me", None, "s1", limit=100)
    return [(message.text[:9], message.status) for message in page.messages if message.role == "user"]


async def test_reject_refuses_in_every_process_while_the_turn_lives() -> None:
    one, other, *_ = await two("reject", SLOW)
    await one.say("first")
    for process in (one, other):
        with pytest.raises(SessionBusy):
            await process.say("second")


async def test_queued_messages_keep_their_order_across_processes_and_see_what_came_before() -> None:
    one, other, *_ = await two("enqueue", "reply", delay=0.05)
    handles = [await process.say(f"message {i}") for i, process in enumerate([one, other, one, other, other])]
    listed = await other.service.waiting_turns("me", None, "s1")
    assert [record.status for record in listed] == ["running", *["queued"] * 4]
    assert [record.message.text for record in listed] == [f"message {i}" for i in range(5)]
    records = [await handle.result() for handle in handles]
    assert {record.status for record in records} == {"completed"}
    said = [text for role, text in await one.history() if role == "user"]
    assert said == [f"message {i}" for i in range(5)]
    views = [len(request.messages) for process in (one, other) for request in process.model.requests]
    assert sorted(views) == [1, 3, 5, 7, 9]


async def test_a_queued_turn_streams_to_whoever_asked_for_it() -> None:
    one, other, *_ = await two("enqueue", "some reply", delay=0.05)
    await one.say("first")
    waiting = await other.say("second")
    text = "".join([told.event.text async for told in waiting.events() if told.event.type == "text_delta"])
    assert text == "some reply"


async def test_a_withdrawn_message_is_never_answered_and_not_shown_to_the_model() -> None:
    one, other, *_ = await two("enqueue", "reply", delay=0.05)
    await one.say("first")
    withdrawn, third = await one.say("second"), await other.say("third")
    record = await other.service.cancel_turn("me", None, "s1", withdrawn.turn_id)
    assert record.turn_id == withdrawn.turn_id
    assert (await third.result()).status == "completed"
    assert (await withdrawn.result()).status == "cancelled"
    assert await statuses(one) == [("first", "completed"), ("second", "cancelled"), ("third", "completed")]
    asked = [[m.text for m in r.messages if m.role == "user"] for p in (one, other) for r in p.model.requests]
    assert ["first", "third"] in asked
    assert not any("second" in texts for texts in asked)


async def test_interrupt_stops_what_runs_elsewhere_and_goes_on_from_what_it_said() -> None:
    one, other, *_ = await two("interrupt", SLOW)
    first = await one.say("first")
    await until(lambda: one.cable.calls.count("flush") > 3)
    async with asyncio.timeout(10):
        second = await other.say("second")
        assert (await first.result()).status == "cancelled"
        third = await other.say("third")
        assert (await second.result()).status == "cancelled"
    await other.service.cancel_turn("me", None, "s1", third.turn_id)
    assert (await first.result()).response.startswith("word")
    shown = [request for p in (one, other) for request in p.model.requests if request.messages[-1].text == "second"]
    assert [m.role for m in shown[0].messages] == ["user", "assistant", "user"]


async def test_rollback_undoes_what_runs_as_if_it_had_never_been_asked() -> None:
    one, other, *_ = await two("rollback", "before", SLOW, "after", delay=0.005)
    await (await one.say("zero")).result()
    await one.service.change_session("me", None, "s1", SessionChange(state={"kept": 1}))
    first = await one.say("wrong question")
    await until(lambda: len(one.model.requests) == 2)
    second = await other.say("right question")
    assert (await first.result()).status == "cancelled"
    assert (await second.result()).status == "completed"
    users = [text for role, text in await other.history() if role == "user"]
    assert users == ["zero", "right question"]
    shown = next(r for p in (one, other) for r in p.model.requests if r.messages[-1].text == "right question")
    assert [m.text for m in shown.messages if m.role == "user"] == ["zero", "right question"]
    assert (await one.service.get_session("me", None, "s1")).message_count == 4


async def test_a_reader_of_a_turn_that_was_undone_is_told_its_end_also_when_it_comes_back_later() -> None:
    one, other, *_ = await two("rollback", SLOW, "after", delay=0.005)
    await one.say("wrong question")
    following = one.service.follow("me", None, "s1")
    heard = [await anext(following) for _ in range(4)]
    await following.aclose()
    await (await other.say("right question")).result()
    rest = [told async for told in other.service.follow("me", None, "s1", heard[-1].cursor)]
    assert [told.event.type for told in rest] == ["turn_cancelled"]
    assert rest[0].cursor > heard[-1].cursor
    following = other.service.follow("me", None, "s1", rest[0].cursor._replace(turn=2, attempt=0, position=0))
    assert (await anext(following)).event.type == "turn_started"
    await following.aclose()


async def test_a_retry_of_a_queued_message_finds_it_in_the_queue_and_later_its_answer() -> None:
    one, other, *_ = await two("enqueue", "reply", delay=0.05)
    await one.say("first")
    waiting = await one.say("second", idempotency_key="k", request_hash="h")
    again = await other.say("second", idempotency_key="k", request_hash="h")
    assert (again.attached, again.turn_id) == (True, waiting.turn_id)
    assert (await again.result()).response == "reply"
    assert len(await other.history()) == 4


async def test_what_waits_behind_a_dead_holder_is_answered_by_whoever_comes() -> None:
    one, other, _, clock = await two("enqueue", SLOW)
    await one.say("first")
    waiting = await one.say("second")
    one.cable.cut()
    other.model._replies = ["reply"]
    clock.pass_the_lease()
    record = await (await other.found(waiting.turn_id)).result()
    assert (record.status, record.response) == ("completed", "reply")
    assert await statuses(other) == [("first", "completed"), ("second", "completed")]


async def test_a_death_between_two_turns_leaves_the_queue_to_the_next_reader() -> None:
    one, other, *_ = await two("enqueue", "reply", delay=0.02)
    one.cable.cut_at = ("settle", 1, "after")
    await one.say("first")
    waiting = await one.say("second")
    await one.cable.is_cut.wait()
    record = await (await other.found(waiting.turn_id)).result()
    assert (record.status, record.response) == ("completed", "reply")
