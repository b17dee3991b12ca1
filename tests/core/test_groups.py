"""Groups: what one process writes of a turn, another reads."""

from sessionful.core.groups import Said, read_group, write_group
from sessionful.domain.message import Message, Text, ToolCall


def test_a_reply_with_calls_is_read_back_as_it_was_said() -> None:
    parts = [Text(text="Let me see. "), ToolCall(id="c1", name="pay", arguments={"amount": 3})]
    said = Said(message=Message.assistant(parts), stop_reason="tool_use")
    assert read_group(write_group(2, [], said), turn=1).said == said
