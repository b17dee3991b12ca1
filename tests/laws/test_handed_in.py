"""What callers put into a history is refused by name, or it becomes a prompt that every vendor accepts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message, ToolCall
from sessionful.domain.session import NewSession
from sessionful.stores.in_memory import InMemoryLog
from tests.core.conversation import Clock
from tests.laws.histories import messages
from tests.laws.processes import Process, a_session, check_goes_on

QUESTION = Message.user("how is the weather?")
CALL = Message.assistant([ToolCall(id="c", name="echo")])
RESULT = Message.tool("sunny", "c", "echo")


def process() -> Process:
    clock = Clock()
    return Process(InMemoryLog(clock), clock, delay=0)


@pytest.mark.parametrize(
    ("past", "field"), [([QUESTION, CALL], "messages[1]"), ([QUESTION, RESULT, CALL], "messages[1]")]
)
async def test_a_past_with_half_a_call_makes_no_session(past: list[Message], field: str) -> None:
    made = process()
    with pytest.raises(InvalidRequest) as refused:
        await made.service.create_session("me", None, NewSession(session_id="s", messages=tuple(past)))
    assert refused.value.details["field"] == field
    document = {"session_id": "s", "messages": [message.model_dump(mode="json") for message in past]}
    with pytest.raises(InvalidRequest):
        await made.service.import_session("me", None, document)
    await a_session(made.log, made.clock)  # nothing has the id


async def test_a_call_and_its_result_may_be_put_in_one_after_the_other() -> None:
    made = process()
    await a_session(made.log, made.clock)
    for message in (QUESTION, CALL, RESULT):
        await made.service.add_messages("me", None, "s", [message])
    await check_goes_on(made)
    assert [m.text for m in made.model.requests[0].messages] == [QUESTION.text, "", "sunny", "and on"]


async def test_a_call_whose_result_is_still_to_come_does_not_lock_the_session() -> None:
    made = process()
    await a_session(made.log, made.clock)
    await made.service.add_messages("me", None, "s", [QUESTION, CALL])
    await check_goes_on(made)
    assert [m.role for m in made.model.requests[0].messages] == ["user", "assistant", "tool", "user"]


@given(st.lists(st.lists(messages, min_size=1, max_size=3), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
async def test_whatever_is_put_in_is_refused_or_can_be_gone_on_with(past: list[list[Message]]) -> None:
    made = process()
    try:
        new = NewSession(session_id="s", messages=tuple(past[0]))
        await made.service.create_session("me", None, new)
    except InvalidRequest:
        await a_session(made.log, made.clock)
    for group in past[1:]:
        try:
            await made.service.add_messages("me", None, "s", group)
        except InvalidRequest as refused:
            assert refused.details["field"].startswith("messages[")
    await check_goes_on(made)
