from hypothesis import given
from hypothesis import strategies as st

from sessionful.domain.message import Message, ToolCall, ToolResult
from sessionful.domain.pairing import paired
from tests.laws.histories import messages

ASK, ASK_TWO = (Message.assistant([ToolCall(id=name, name="f") for name in names]) for names in (("a",), ("a", "b")))


def result(call_id: str, content: str = "done") -> Message:
    return Message.tool(content, call_id, name="f")


def both(*results: Message) -> Message:
    return Message(role="tool", parts=tuple(part for message in results for part in message.parts))


def test_a_call_that_nobody_answered_gets_an_error() -> None:
    answered = paired([Message.user("q"), ASK, Message.user("and?")])
    assert [message.role for message in answered] == ["user", "assistant", "tool", "user"]
    assert answered[2].tool_results[0].is_error


def test_a_result_that_nobody_asked_for_is_dropped() -> None:
    assert paired([Message.user("q"), result("a"), Message.assistant("x")]) == [
        Message.user("q"),
        Message.assistant("x"),
    ]


def test_a_late_result_moves_behind_its_call() -> None:
    assert paired([ASK, Message.user("meanwhile"), result("a")]) == [ASK, result("a"), Message.user("meanwhile")]


def test_results_stand_in_the_order_of_the_calls() -> None:
    assert paired([ASK_TWO, result("b", "2"), result("a", "1")]) == [ASK_TWO, both(result("a", "1"), result("b", "2"))]


def test_an_id_that_comes_again_is_another_call() -> None:
    said = [ASK, result("a", "1"), Message.user("again"), ASK, result("a", "2")]
    assert paired(said) == said


def test_a_call_in_anybody_elses_message_is_none() -> None:
    assert paired([Message.user([ToolCall(id="a", name="f")]), result("a")]) == []


@given(st.lists(messages, max_size=10))
def test_what_is_paired_stays_as_it_is(said: list[Message]) -> None:
    assert paired(paired(said)) == paired(said)


@given(st.lists(messages, max_size=10))
def test_nothing_but_calls_and_results_is_touched(said: list[Message]) -> None:
    def rest(given: list[Message]) -> list[object]:
        return [p for message in given for p in message.parts if not isinstance(p, ToolCall | ToolResult)]

    assert rest(paired(said)) == rest(said)
