"""Whatever a history holds, the prompt made of it is one that every vendor accepts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.core.past import given_entry
from sessionful.core.window import window
from sessionful.domain.agent import WorkingMemory
from sessionful.domain.message import Message
from sessionful.domain.session import Position
from sessionful.ports import ModelRequest, ToolSpec
from tests.laws.histories import messages
from tests.validators.vendors import check_request

ECHO = ToolSpec("echo", "Says it again.", {"type": "object", "properties": {"text": {"type": "string"}}})
memories = st.builds(
    WorkingMemory,
    strategy=st.sampled_from(["full", "buffer_window", "summary_buffer"]),
    budget=st.integers(1, 60),
    window_size=st.integers(1, 8),
)


@given(st.lists(messages, max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_messages_become_a_request_that_every_vendor_accepts(past: list[Message], tools: bool) -> None:
    check_request(ModelRequest(messages=past, tools=[ECHO] if tools else []))


@given(st.lists(st.lists(messages, min_size=1, max_size=3), max_size=6), memories)
@settings(max_examples=200, deadline=None)
def test_a_window_of_what_was_put_in_by_hand_has_every_call_answered(
    past: list[list[Message]], memory: WorkingMemory
) -> None:
    entries = [given_entry(Position(n, 1), group, "a", 0) for n, group in enumerate(past, start=1)]
    chosen = window(entries, memory)
    for place, message in enumerate(chosen):
        answers = chosen[place + 1].tool_results if message.tool_calls else ()
        assert [result.call_id for result in answers] == [call.id for call in message.tool_calls]
        if message.tool_results:
            assert chosen[place - 1].tool_calls
    check_request(ModelRequest(messages=[*chosen, Message.user("next")], tools=[ECHO]))
