"""Going back to a checkpoint, a turn or a step: messages and state move together, and nothing is lost for good."""

import pytest

from sessionful.domain.error import (
    CheckpointNotFound,
    TurnNotFound,
)
from sessionful.domain.message import Message
from tests.core.conversation import add, calling
from tests.core.points_talk import ME, Talk, a_talk


async def test_a_turn_brings_back_its_messages_and_its_state() -> None:
    talk = await a_talk()
    back = await talk.rewind("2")
    assert (back.state, back.message_count) == ({"n": 2}, 4)
    assert await talk.asked() == ["question 1", "question 2"]
    assert (await talk.ask("and now?")).status == "completed"
    assert [message.text for message in talk.model.requests[-1].messages] == [
        *("question 1", "answer", "question 2", "answer"),
        "and now?",
    ]
    assert (await talk.rewind("1")).state == {"n": 1}


async def test_a_turns_id_names_it_and_no_other() -> None:
    talk = await a_talk()
    second = (await talk.service.history(*ME)).messages[2].turn_id
    with pytest.raises(TurnNotFound):
        await talk.rewind(second + "x")
    assert (await talk.rewind(second)).state == {"n": 2}


async def test_the_state_of_a_turn_that_changed_nothing_is_that_of_the_turn_before() -> None:
    talk = await a_talk(1)
    for text in ("two", "three"):
        await talk.ask(text)
    await talk.be(9)
    assert (await talk.rewind("2")).state == {"n": 1}


async def test_a_session_whose_turns_never_had_a_state_gets_an_empty_one_back() -> None:
    talk = Talk()
    await talk.open()
    await talk.ask("one")
    await talk.be(1)
    await talk.ask("two")
    assert (await talk.rewind("1")).state == {}
    await talk.ask("three")
    assert (await talk.rewind("1")).state == {}


async def test_a_step_in_the_middle_of_a_turn_brings_back_the_state_before_that_turn() -> None:
    call = calling(("add", {"a": 1, "b": 2}))
    talk = Talk([call, "first", call, "second"], [add])
    await talk.open()
    await talk.turns(1, 2)
    back = await talk.rewind("2.1")
    assert (back.state, back.message_count) == ({"n": 1}, 7)
    assert [message.role for message in await talk.messages()][4:] == ["user", "assistant", "tool"]
    await talk.ask("on from here")
    assert (await talk.rewind("2.1")).state == {"n": 1}
    first_step_of_all = await talk.rewind("1.1")
    assert (first_step_of_all.state, first_step_of_all.message_count) == ({}, 3)


@pytest.mark.parametrize("hide", ["clear", "rewind"])
async def test_a_state_is_found_although_the_turn_that_stored_it_is_hidden(hide: str) -> None:
    talk = await a_talk(2)
    await talk.mark("two")
    if hide == "clear":
        await talk.service.clear_session(*ME)
    else:
        await talk.rewind("1")
        await talk.be(2)
    await talk.ask("three")
    await talk.be(4)
    assert (await talk.rewind("3")).state == {"n": 2}


async def test_a_checkpoint_brings_back_what_was_hidden_since() -> None:
    talk = await a_talk()
    await talk.be(33)
    point = await talk.mark("three")
    assert (point.at, point.message_count, point.state, point.made_at) == ((3, 1), 6, {"n": 33}, talk.clock())
    await talk.rewind("1")
    await talk.turns(4, 4)
    assert await talk.asked() == ["question 1", "question 4"]
    await talk.mark("four")
    back = await talk.rewind("three")
    assert (back.state, back.message_count) == ({"n": 33}, 6)
    assert await talk.asked() == ["question 1", "question 2", "question 3"]
    assert (await talk.rewind("four")).state == {"n": 4}
    assert await talk.asked() == ["question 1", "question 4"]
    assert [each.name for each in await talk.service.checkpoints(*ME)] == ["three", "four"]


async def test_a_checkpoint_of_an_empty_session_clears_it() -> None:
    talk = Talk()
    await talk.open(state={"n": 0})
    await talk.mark("start")
    await talk.turns(1, 2)
    back = await talk.rewind("start")
    assert (back.state, back.message_count, await talk.messages()) == ({"n": 0}, 0, [])


async def test_a_point_in_the_past_that_a_session_was_made_with_has_its_first_state() -> None:
    talk = Talk()
    past = (Message.user("one"), Message.assistant("a"), Message.user("two"), Message.assistant("b"))
    await talk.open(state={"n": 0}, messages=past)
    await talk.turns(3, 3)
    for turn, count in (("2", 4), ("1", 2)):
        back = await talk.rewind(turn)
        assert (back.state, back.message_count) == ({"n": 0}, count)


async def test_a_turn_that_failed_can_be_gone_back_to() -> None:
    talk = Talk([RuntimeError("no"), "answer"])
    await talk.open()
    assert (await talk.ask("one")).status == "failed"
    await talk.ask("two")
    await talk.rewind("1")
    assert (await talk.ask("three")).status == "completed"
    assert [message.text for message in (await talk.service.history(*ME)).messages] == ["one", "three", "answer"]


async def test_what_is_hidden_or_never_was_is_not_found() -> None:
    talk = await a_talk()
    await talk.rewind("2")
    for gone in ("3", "0", "2.2", "99"):
        with pytest.raises(TurnNotFound):
            await talk.rewind(gone)
    for unknown in ("never made", "", "1.2.3", "-1"):
        with pytest.raises(CheckpointNotFound):
            await talk.rewind(unknown)
    assert (await talk.service.get_session(*ME)).state == {"n": 2}


async def test_a_fork_takes_the_state_of_its_place() -> None:
    talk = await a_talk()
    await talk.be(9)
    for at, state in (("2", {"n": 2}), ("1", {"n": 1}), (None, {"n": 9})):
        child = await talk.service.fork_session(*ME, at=at)
        assert child.state == state
        back = await talk.service.rewind_session("me", None, child.key.id, "1")
        assert (back.state, back.message_count) == ({"n": 1}, 2)


async def test_a_rewound_session_leaves_its_fork_alone_and_the_other_way_round() -> None:
    talk = await a_talk()
    child = await talk.service.fork_session(*ME, "child")
    assert child.checkpoints == ()
    await talk.rewind("1")
    assert len(await talk.service.messages("me", None, "child")) == 6
    await talk.service.rewind_session("me", None, "child", "2")
    assert len(await talk.messages()) == 2


async def test_a_turn_that_a_fork_cuts_in_two_is_over_for_whoever_asks_for_it_there() -> None:
    talk = Talk([calling(("add", {"a": 1, "b": 2})), "sum"], [add])
    await talk.open()
    turn = await talk.say("go", idempotency_key="k", request_hash="h")
    await turn.result()
    fork = await talk.service.fork_session(*ME, "s2", "1.1")
    found = await talk.service.find_turn("me", None, fork.key.id, turn.turn_id)
    assert (await found.result()).status == "cancelled"
    told = [event.type async for _, event in found.events()]
    assert told[-2:] == ["step_completed", "turn_cancelled"]
