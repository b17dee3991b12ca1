import asyncio

import pytest

from sessionful.domain.error import (
    IdempotencyConflict,
    SessionBusy,
)
from sessionful.domain.message import Message, Text, Thinking, ToolCall
from sessionful.domain.usage import Usage
from sessionful.ports import Finish, ModelRequest, TextPiece
from tests.core.conversation import Conversation, add, calling, followed, slow, text_of, told


async def test_a_turn_tells_its_steps_in_order_and_remembers() -> None:
    talk = await Conversation(["Hello there", "Again"]).open()
    events = await told(await talk.say("Hi"))
    kinds = [t.event.type for t in events]
    assert kinds == [
        "turn_started",
        "message_start",
        "text_delta",
        "text_delta",
        "step_completed",
        "turn_completed",
    ]
    assert [t.cursor for t in events] == sorted({t.cursor for t in events})
    await talk.ask("And?")
    assert [m.text for m in talk.model.requests[1].messages] == ["Hi", "Hello there", "And?"]


async def test_tools_run_side_by_side_and_their_results_reach_the_model() -> None:
    reply = calling(("slow", {"seconds": 0.2}), ("slow", {"seconds": 0.2}), ("add", {"a": 2, "b": 3}))
    talk = await Conversation([reply, "done"], [add, slow]).open()
    started = asyncio.get_running_loop().time()
    record = await talk.ask("go")
    assert asyncio.get_running_loop().time() - started < 0.39
    assert (record.steps, record.response) == (2, "done")
    results = {r.call_id: r.content for r in talk.model.requests[1].messages[-1].tool_results}
    assert results == {"c0": "waited", "c1": "waited", "c2": "5"}
    assert record.usage.output_tokens == 1


async def test_a_failing_tool_becomes_a_result_and_the_turn_goes_on() -> None:
    talk = await Conversation([calling(("add", {"a": "x", "b": 1}), ("nope", {})), "sorry"], [add]).open()
    record = await talk.ask("go")
    assert record.status == "completed"
    assert [r.is_error for r in record.tool_results] == [True, True]


async def test_a_second_message_while_a_turn_runs_is_refused() -> None:
    talk = await Conversation(["a b c d"], delay=0.02).open()
    handle = await talk.say("one")
    with pytest.raises(SessionBusy) as busy:
        await talk.say("two")
    assert busy.value.details["turn_id"] == handle.turn_id
    await handle.result()
    assert (await talk.ask("three")).status == "completed"


async def test_the_same_key_attaches_to_the_same_turn_running_or_done() -> None:
    talk = await Conversation(["a b c d", "never"], delay=0.02).open()
    first = await talk.say("one", idempotency_key="k", request_hash="h")
    again = await talk.say("one", idempotency_key="k", request_hash="h")
    assert again.attached
    assert again.turn_id == first.turn_id
    assert text_of(await told(again)) == "a b c d"
    later = await talk.say("one", idempotency_key="k", request_hash="h")
    assert (await later.result()).response == "a b c d"
    assert len(talk.model.requests) == 1
    with pytest.raises(IdempotencyConflict):
        await talk.say("other", idempotency_key="k", request_hash="other")
    assert (await talk.service.get_turn("me", None, "s1", "k")).turn_id == first.turn_id


async def test_a_caller_that_goes_away_does_not_stop_the_turn() -> None:
    talk = await Conversation(["a b c d e f"], delay=0.01).open()
    handle = await talk.say("go")
    events = handle.events()
    await anext(events)
    await events.aclose()
    assert (await handle.result()).response == "a b c d e f"


async def test_the_first_token_is_told_before_the_second_leaves_the_model() -> None:
    gate = asyncio.Event()

    async def gated(_: ModelRequest):
        yield TextPiece("first")
        await gate.wait()
        yield TextPiece(" second")
        yield Finish("end_turn", Usage())

    talk = await Conversation([gated]).open()
    handle = await talk.say("go")
    async for event in handle.events():
        if event.event.type == "text_delta":
            gate.set()
    assert (await handle.result()).response == "first second"


async def test_a_step_is_stored_before_it_is_told() -> None:
    talk = await Conversation([calling(("add", {"a": 1, "b": 2})), "3"], [add]).open()
    session = await talk.service.get_session("me", None, "s1")
    handle = await talk.say("go")
    stored = []
    async for event in handle.events():
        if event.event.type in ("step_completed", "turn_completed"):
            stored.append(len(await talk.log.turn(await talk.log.get(session.key), 1)))
    assert stored[0] >= 1
    assert stored[-1] == 2


async def test_follow_waits_for_the_next_turn_and_goes_on_behind_a_cursor() -> None:
    talk = await Conversation(["one", "two"]).open()
    waiting = asyncio.create_task(followed(talk, None))
    await asyncio.sleep(0.02)
    await talk.ask("1")
    first = await asyncio.wait_for(waiting, 5)
    assert text_of(first) == "one"
    waiting = asyncio.create_task(followed(talk, first[-1].cursor))
    await asyncio.sleep(0.02)
    await talk.ask("2")
    assert text_of(await asyncio.wait_for(waiting, 5)) == "two"


async def test_parts_that_are_not_text_survive() -> None:
    talk = await Conversation().open()
    message = Message.user([Text(text="look"), Text(text=" here")])
    handle = await talk.service.start_turn("me", None, "s1", message)
    await handle.result()
    assert (await talk.messages())[0] == message


async def test_a_replys_parts_keep_the_order_they_began_in() -> None:
    parts = [Thinking(text="a", signature="1"), ToolCall(id="x", name="add", arguments={"a": 1, "b": 1})]
    parts += [Thinking(text="b", signature="2"), ToolCall(id="y", name="add", arguments={"a": 2, "b": 2})]
    talk = await Conversation([Message.assistant(parts), "done"], [add]).open()
    await talk.ask("go")
    assert list(talk.model.requests[1].messages[1].parts) == parts
