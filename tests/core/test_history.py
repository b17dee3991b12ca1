import asyncio

import pytest

from sessionful.domain.error import InvalidRequest, TurnNotFound
from sessionful.domain.message import Message
from sessionful.tools.function import tool
from tests.core.conversation import Conversation, calling, until


@tool
async def ping() -> str:
    """Ping."""
    return "pong"


async def a_past() -> Conversation:
    talk = await Conversation([calling(("ping", {})), "answer"], [ping]).open()
    for number in range(5):
        await talk.ask(f"question {number}")
    return talk


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_paging_either_way_gives_every_message_once_and_in_order(limit: int) -> None:
    talk = await a_past()
    everything = (await talk.service.history("me", None, "s1", 100)).messages
    assert len({m.id for m in everything}) == len(everything) == 12

    forwards, cursor = [], None
    while True:
        page = await talk.service.history("me", None, "s1", limit, after=cursor)
        forwards += page.messages
        cursor = page.next_cursor
        if cursor is None:
            break
    assert forwards == everything

    backwards, cursor = [], "999.0.0"
    while cursor is not None:
        page = await talk.service.history("me", None, "s1", limit, before=cursor)
        backwards = page.messages + backwards
        cursor = page.next_cursor
    assert backwards == everything


async def test_a_running_turns_question_is_there_before_its_answer() -> None:
    talk = await Conversation(["a b c d e f"], delay=0.02).open()
    handle = await talk.say("why?")
    await until(lambda: talk.model.requests)
    page = await talk.service.history("me", None, "s1")
    assert [(m.text, m.status) for m in page.messages] == [("why?", "running")]
    backwards = await talk.service.history("me", None, "s1", before="99.0.0")
    assert backwards.messages == page.messages
    await handle.result()
    page = await talk.service.history("me", None, "s1")
    assert [(m.role, m.status) for m in page.messages] == [("user", "completed"), ("assistant", "completed")]


async def test_places_that_are_none_are_refused() -> None:
    talk = await a_past()
    for wrong in ({"before": "x"}, {"after": "1.2"}, {"before": "1.1.0", "after": "1.1.0"}):
        with pytest.raises(InvalidRequest):
            await talk.service.history("me", None, "s1", **wrong)
    with pytest.raises(InvalidRequest):
        await talk.service.history("me", None, "s1", 0)


async def test_export_and_import_carry_a_conversation_over() -> None:
    talk = await a_past()
    document = await talk.service.export_session("me", None, "s1")
    there = Conversation()
    await there.service.import_session("you", None, document)
    assert await there.service.messages("you", None, "s1") == await talk.messages()
    assert await there.service.export_session("you", None, "s1") == document
    with pytest.raises(InvalidRequest, match="unknown field"):
        await there.service.import_session("you", None, {**document, "owner": "root"})


async def test_forking_at_a_turn_forgets_what_came_after() -> None:
    talk = await a_past()
    child = await talk.service.fork_session("me", None, "s1", "child", at="1")
    assert child.parent is not None
    assert child.parent.at == (1, 2)
    texts = [m.text for m in await talk.service.messages("me", None, "child")]
    assert texts == ["question 0", "", "pong", "answer"]
    record = (await talk.service.history("me", None, "child", 100)).messages[0]
    assert (await talk.service.get_turn("me", None, "child", record.turn_id)).response == "answer"
    with pytest.raises(TurnNotFound):
        await talk.service.fork_session("me", None, "s1", "other", at="77")


async def test_what_was_put_in_by_hand_can_be_found_by_its_turn() -> None:
    talk = await a_past()
    await asyncio.gather(*(talk.service.add_messages("me", None, "s1", [Message.user(str(n))]) for n in range(5)))
    page = await talk.service.history("me", None, "s1", 5, before="99.0.0")
    for message in page.messages:
        record = await talk.service.get_turn("me", None, "s1", message.turn_id)
        assert record.message.text == message.text
