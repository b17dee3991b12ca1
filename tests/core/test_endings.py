"""How turns end other than well, and what is left of them."""

import asyncio
from collections.abc import Sequence

import pytest

from sessionful.core.agent import Agent
from sessionful.core.answer import answer_shape
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, Limits, Reasoning
from sessionful.domain.error import (
    AgentNotFound,
    InvalidRequest,
    ModelUnavailable,
    SessionEnded,
    SessionNotFound,
    TurnNotFound,
)
from sessionful.domain.event import Cursor
from sessionful.domain.message import Message
from sessionful.domain.session import Session
from sessionful.domain.turn import Entry
from sessionful.domain.usage import Usage
from sessionful.ports import CallPiece, Finish, TextPiece
from sessionful.stores.in_memory import InMemoryLog
from tests.core.conversation import Conversation, add, calling, followed, slow, text_of, told, until


async def test_a_turn_that_only_calls_tools_ends_at_max_steps_with_a_valid_history() -> None:
    settings = AgentSettings(reasoning=Reasoning(max_steps=3))
    talk = await Conversation([calling(("add", {"a": 1, "b": 1}))], [add], settings=settings).open()
    record = await talk.ask("go")
    assert (record.status, record.steps) == ("failed", 3)
    assert record.error["code"] == "max_steps_exceeded"
    assert [m.role for m in await talk.messages()] == ["user"] + ["assistant", "tool"] * 3


async def test_a_model_that_fails_leaves_the_question_in_the_history_but_not_in_the_next_prompt() -> None:
    talk = await Conversation([ModelUnavailable("down"), "fine"]).open()
    record = await talk.ask("first")
    assert record.status == "failed"
    assert record.error["code"] == "model_unavailable"
    assert await talk.messages() == []
    page = await talk.service.history("me", None, "s1")
    assert [(m.text, m.status) for m in page.messages] == [("first", "failed")]
    await talk.ask("second")
    assert [m.text for m in talk.model.requests[1].messages] == ["second"]


async def test_cancelling_between_tokens_keeps_the_text_so_far() -> None:
    talk = await Conversation(["one two three four five six seven eight", "ok"], delay=0.02).open()
    handle = await talk.say("count")
    async for event in handle.events():
        if event.event.type == "text_delta":
            break
    record = await talk.service.cancel_turn("me", None, "s1", handle.turn_id)
    assert record.status == "cancelled"
    assert record.response.startswith("one")
    assert not record.response.endswith("eight")
    await talk.ask("go on")
    assert [m.role for m in talk.model.requests[1].messages] == ["user", "assistant", "user"]


async def test_cancelling_while_tools_run_answers_every_call() -> None:
    talk = await Conversation([calling(("add", {"a": 1, "b": 2}), ("slow", {"seconds": 30})), "ok"], [add, slow]).open()
    handle = await talk.say("go")
    async for event in handle.events():
        if event.event.type == "tool_result":
            break
    record = await talk.service.cancel_turn("me", None, "s1", handle.turn_id)
    assert record.status == "cancelled"
    assert {(r.call_id, r.is_error) for r in record.tool_results} == {("c0", False), ("c1", True)}


async def test_a_turn_that_takes_too_long_fails_with_its_own_code() -> None:
    settings = AgentSettings(limits=Limits(turn_timeout=0.1))
    talk = await Conversation(["one two three " * 50], settings=settings, delay=0.01).open()
    record = await talk.ask("go")
    assert record.error["code"] == "turn_timeout"


async def test_deleting_a_session_ends_its_turn_and_nothing_is_written_afterwards() -> None:
    talk = await Conversation(["a b c d e f g h"], delay=0.01).open()
    handle = await talk.say("go")
    reading = asyncio.create_task(told(handle))
    await until(lambda: talk.model.requests)
    await talk.service.delete_session("me", None, "s1")
    assert (await reading)[-1].event.type == "turn_failed"
    with pytest.raises(SessionNotFound):
        await talk.service.get_session("me", None, "s1")
    await talk.open()
    assert await talk.messages() == []


async def test_closing_the_service_settles_what_runs() -> None:
    talk = await Conversation(["a b c d e f g h"], delay=0.05).open()
    handle = await talk.say("go")
    await until(lambda: talk.model.requests)
    await talk.service.close()
    assert (await talk.service.get_turn("me", None, "s1", handle.turn_id)).status == "interrupted"


async def test_a_typed_answer_that_does_not_fit_goes_back_to_the_model() -> None:
    talk = await Conversation(["no json", '{"n": "x"}', '```json\n{"n": 3}\n```']).open()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    record = await talk.ask("count", answer=answer_shape(schema))
    assert record.output == {"n": 3}
    assert record.steps == 3
    assert "is not of type 'integer'" in talk.model.requests[2].messages[-1].text


async def test_a_typed_answer_that_never_fits_fails() -> None:
    talk = await Conversation(["no json"]).open()
    record = await talk.ask("count", answer=answer_shape(int))
    assert (record.status, record.error["code"], record.steps) == ("failed", "schema_validation", 3)


async def test_what_is_not_there_is_not_found() -> None:
    talk = await Conversation().open()
    with pytest.raises(SessionNotFound):
        await talk.service.start_turn("you", None, "s1", Message.user("x"))
    with pytest.raises(AgentNotFound):
        await talk.service.get_session("me", "asistant", "s1")
    with pytest.raises(TurnNotFound):
        await talk.service.get_turn("me", None, "s1", "turn_9_x")
    with pytest.raises(InvalidRequest):
        await talk.service.start_turn("me", None, "s1", Message(role="user", parts=()))


async def test_an_ended_session_can_be_read_but_not_continued() -> None:
    talk = await Conversation().open()
    await talk.ask("hi")
    await talk.service.end_session("me", None, "s1")
    with pytest.raises(SessionEnded):
        await talk.say("more")
    assert len(await talk.messages()) == 2


async def test_a_long_lease_is_renewed_while_the_model_thinks() -> None:
    talk = await Conversation(["a b c d e f g h"], lease_ms=90, delay=0.03).open()
    handle = await talk.say("go")

    async def clock() -> None:
        while True:
            talk.clock.now += 10
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(clock())
    assert (await handle.result()).status == "completed"
    ticking.cancel()


async def test_half_a_surrogate_pair_is_neither_stored_nor_told() -> None:
    call = CallPiece(0, "c0", "add", '{"a": "\\ud800"}')
    talk = await Conversation([[TextPiece("a\ud800b"), call, Finish("tool_use", Usage())], "done"], [add]).open()
    events = await told(await talk.say("x\udfffy"))
    assert text_of(events) == "a?bdone"
    history = (await talk.messages())[:3]
    assert [m.text for m in history[:2]] == ["x?y", "a?b"]
    assert history[2].tool_results[0].is_error
    assert all(t.event.model_dump_json() for t in events)


async def test_following_an_ended_session_or_a_turn_that_cannot_be_ends_at_once() -> None:
    talk = await Conversation().open()
    with pytest.raises(InvalidRequest):
        await followed(talk, Cursor(9, 1, 1))
    await talk.service.end_session("me", None, "s1")
    with pytest.raises(SessionEnded):
        await followed(talk, None)


async def test_two_first_messages_at_once_make_one_session_and_both_find_it() -> None:
    talk = Conversation(["once", "twice"])
    begin = asyncio.Barrier(2)

    class Slow(InMemoryLog):
        async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
            await begin.wait()  # both have seen that there is none
            return await super().create(session, entries)

    log = Slow(talk.clock)
    service = Service([Agent("assistant", talk.model, log)], clock=talk.clock)
    first = {"idempotency_key": "k", "request_hash": "h", "create": True}
    turns = [service.start_turn("me", None, "s1", Message.user("hi"), **first) for _ in range(2)]
    one, other = await asyncio.gather(*turns)
    assert one.turn_id == other.turn_id
    assert {(await handle.result()).response for handle in (one, other)} == {"once"}
