"""Checkpoints themselves: how they are named, how many there may be, and when none can be made."""

import asyncio

import pytest

from sessionful.core.points import MOST_CHECKPOINTS
from sessionful.domain.error import (
    CheckpointExists,
    IdempotencyConflict,
    InvalidRequest,
    PayloadTooLarge,
    SessionBusy,
    SessionEnded,
    TurnNotFound,
)
from sessionful.domain.session import Session, SessionChange
from tests.core.conversation import until
from tests.core.points_talk import ME, Talk, a_talk


async def test_the_same_name_at_the_same_point_is_the_same_checkpoint() -> None:
    talk = await a_talk()
    point = await talk.mark("here")
    talk.clock.now += 1000
    assert await talk.mark("here") == point
    await talk.rewind("1")
    with pytest.raises(CheckpointExists):
        await talk.mark("here")
    await talk.rewind("here")
    assert await talk.mark("here") == point
    await talk.be(7)
    with pytest.raises(CheckpointExists):
        await talk.mark("here")


async def test_a_checkpoint_without_a_name_gets_one() -> None:
    talk = await a_talk(1)
    first, second = await talk.mark(), await talk.mark()
    assert first.name.startswith("point_") and first.name != second.name
    assert (await talk.rewind(first.name)).message_count == 2


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "12", "12.3", "turn_3_abc"])
async def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    talk = await a_talk(1)
    with pytest.raises(InvalidRequest) as refused:
        await talk.mark(name)
    assert refused.value.details["field"] == "name"
    assert await talk.service.checkpoints(*ME) == []


async def test_a_repeated_request_finds_its_checkpoint_and_another_one_is_refused() -> None:
    talk = await a_talk(1)
    point = await talk.mark("here", made_with="key.one")
    await talk.turns(2, 2)
    assert await talk.mark("here", made_with="key.one") == point
    with pytest.raises(IdempotencyConflict):
        await talk.mark("there", made_with="key.other")
    with pytest.raises(CheckpointExists):
        await talk.mark("here", made_with="another.one")
    nameless = await asyncio.gather(*(talk.mark(made_with="same.same") for _ in range(5)))
    assert len(set(map(str, nameless))) == 1
    assert len(await talk.service.checkpoints(*ME)) == 2


async def test_checkpoints_that_are_made_at_once_are_all_kept() -> None:
    talk = await a_talk(1)
    await asyncio.gather(*(talk.mark(f"point {number}") for number in range(8)))
    assert {each.name for each in await talk.service.checkpoints(*ME)} == {f"point {number}" for number in range(8)}


async def test_there_is_room_for_a_hundred_and_for_half_a_megabyte_of_state() -> None:
    talk = await a_talk(1)
    for number in range(MOST_CHECKPOINTS):
        await talk.mark(f"point {number}")
    with pytest.raises(InvalidRequest, match="at most 100"):
        await talk.mark("one too many")
    assert (await talk.mark("point 7")).name == "point 7"
    assert len(await talk.service.checkpoints(*ME)) == MOST_CHECKPOINTS

    large = await a_talk(1)
    await large.service.change_session(*ME, SessionChange(state={"s": "x" * 300_000}))
    await large.mark("one")
    with pytest.raises(PayloadTooLarge):
        await large.mark("two")
    assert [each.name for each in await large.service.checkpoints(*ME)] == ["one"]


async def test_a_running_turn_holds_the_points_still() -> None:
    talk = Talk(["answer"], delay=0.02)
    await talk.open()
    await talk.mark("start")
    handle = await talk.say("one")
    await until(lambda: talk.model.requests)
    for work in (talk.mark("here"), talk.rewind("start"), talk.rewind("1")):
        with pytest.raises(SessionBusy) as busy:
            await work
        assert busy.value.details["turn_id"] == handle.turn_id
    await handle.result()
    assert (await talk.mark("here")).at == (1, 1)


async def test_an_ended_session_stays_where_it_is() -> None:
    talk = await a_talk()
    await talk.service.end_session(*ME)
    with pytest.raises(SessionEnded):
        await talk.rewind("1")


async def test_going_back_races_with_a_message_and_neither_is_torn() -> None:
    for _ in range(20):
        talk = await a_talk(2)
        back, asked = await asyncio.gather(talk.rewind("1"), talk.ask("three"), return_exceptions=True)
        assert isinstance(back, Session | SessionBusy | TurnNotFound)
        assert not isinstance(asked, BaseException)
        shown = await talk.asked()
        assert shown in (["question 1", "three"], ["question 1", "question 2", "three"], ["question 1"])
