from collections.abc import Sequence
from typing import Any

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message, ToolCall, ToolResult
from sessionful.domain.session import Position, RunningTurn, Session, SessionKey
from sessionful.domain.transcript import HistorySpoilt, check_entry, check_given, check_past
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage

QUESTION = Message.user("q")
SPENT = Usage(input_tokens=3, output_tokens=2)
HEAD = Session(
    key=SessionKey("me", "a", "s"),
    log="l",
    created_at=0,
    updated_at=0,
    turns=5,
    message_count=10,
    usage=SPENT,
    running=RunningTurn(
        number=5, turn_id="turn_5_x", agent="a", message=QUESTION, attempt=1, started_at=0, lease_until=1
    ),
)


def asking(*ids: str) -> Message:
    return Message.assistant([ToolCall(id=call_id, name="f") for call_id in ids])


def answering(*ids: str) -> Message:
    return Message(role="tool", parts=tuple(ToolResult(call_id=call_id, content="r") for call_id in ids))


def entry(stored: Sequence[Entry] = (), **fields: Any) -> Entry:
    """A step that may follow, unless `fields` spoil it."""
    made = {
        "position": Position(5, len(stored) + 1),
        "turn_id": "turn_5_x",
        "agent": "a",
        "at": 0,
        "started_at": 0,
        "given": () if stored else (QUESTION,),
        "reply": Message.assistant("well"),
        "usage": SPENT,
        **fields,
    }
    said = sum(len(made["given"]) if name == "given" else made.get(name) is not None for name in _MESSAGES)
    sums = {
        "message_count": (stored[-1].message_count if stored else HEAD.message_count) + said,
        "usage_total": (stored[-1].usage_total if stored else HEAD.usage) + made["usage"],
    }
    return Entry.model_validate({**sums, **made})


_MESSAGES = ("given", "reply", "results")


def ended(steps: int, status: str = "completed", **fields: Any) -> Ending:
    error = None if status == "completed" else {"code": "x", "message": "x", "details": {}}
    given = {"status": status, "ended_at": 0, "steps": steps, "error": error, "usage": SPENT, **fields}
    return Ending.model_validate(given)


FIRST = entry(reply=asking("c"), results=answering("c"))


def test_a_turn_of_two_steps_may_be_stored() -> None:
    check_entry(FIRST, (), HEAD)
    check_entry(entry([FIRST], ending=ended(2, usage=SPENT + SPENT)), [FIRST], HEAD)


def test_a_reply_that_broke_off_and_a_turn_without_any_step_may_end_a_turn() -> None:
    check_entry(entry(torn=True, stop_reason="error", ending=ended(1, "cancelled")), (), HEAD)
    check_entry(entry(reply=None, usage=Usage(), ending=ended(0, "interrupted", usage=Usage())), (), HEAD)
    nothing = entry([FIRST], reply=None, usage=Usage(), ending=ended(1, "interrupted"))
    check_entry(nothing, [FIRST], HEAD)


def test_a_correction_may_come_with_a_later_step() -> None:
    before = entry()
    check_entry(entry([before], given=(Message.user("again, please"),)), [before], HEAD)


SPOILT: dict[str, tuple[list[Entry], dict[str, Any]]] = {
    "the turn has ended": ([entry(ending=ended(1))], {}),
    "step 1 of turn 5 is next": ([], {"position": Position(5, 2)}),
    "step 1 of turn 5": ([], {"position": Position(4, 1)}),
    "step 2 of turn 5 is next": ([FIRST], {"position": Position(5, 1)}),
    "another turn's": ([FIRST], {"turn_id": "turn_5_y"}),
    "superseded": ([FIRST.model_copy(update={"attempt": 2})], {"attempt": 1}),
    "begins with the user's message": ([], {"given": ()}),
    "is the user's": ([], {"given": (Message.assistant("q"),)}),
    "is the assistant's": ([], {"reply": Message.user("a")}),
    "are the tools'": ([], {"reply": asking("c"), "results": Message.user("r")}),
    "the same id": ([], {"reply": asking("c", "c"), "results": answering("c", "c")}),
    "calls and results come": ([], {"reply": asking("c")}),
    "results come together": ([], {"results": answering("c")}),
    "every call is answered, and once": ([], {"reply": asking("c", "d"), "results": answering("c")}),
    "answered, and once": ([], {"reply": asking("c"), "results": answering("c", "c")}),
    "and once": ([], {"reply": asking("c"), "results": answering("d")}),
    "only a tool's message has": ([], {"given": (QUESTION, Message(role="user", parts=answering("c").parts))}),
    "only a reply calls": ([], {"given": (Message(role="user", parts=asking("c").parts),)}),
    "broke off calls no tools": (
        [],
        {"torn": True, "reply": asking("c"), "results": answering("c"), "stop_reason": "error"},
    ),
    "only a whole reply is followed": ([], {"torn": True, "stop_reason": "error"}),
    "whole reply is followed": ([], {"reply": None}),
    "steps are not counted": ([], {"ending": ended(2)}),
    "turn's tokens are not summed": ([FIRST], {"ending": ended(2)}),
    "tells why it stopped": ([], {"stop_reason": "error"}),
    "why it stopped": ([], {"torn": True, "ending": ended(1, "cancelled")}),
    "says why": ([], {"ending": ended(1, "failed", error=None)}),
    "messages are not counted": ([], {"message_count": 11}),
    "the tokens are not summed": ([], {"usage_total": SPENT}),
}


@pytest.mark.parametrize("rule", SPOILT)
def test_what_would_spoil_the_history_is_refused(rule: str) -> None:
    stored, fields = SPOILT[rule]
    with pytest.raises(HistorySpoilt, match=rule):
        check_entry(entry(stored, **fields), stored, HEAD)


def test_a_past_may_have_its_roles_in_any_order() -> None:
    said = [Message.assistant("hello"), Message.system("s"), asking("a"), asking("b"), answering("b", "a"), QUESTION]
    check_past([*said, asking("a"), Message.user("meanwhile"), answering("a")])


@pytest.mark.parametrize(
    ("past", "field"),
    [
        ([QUESTION, asking("a")], "messages[1]"),
        ([QUESTION, asking("a", "b"), answering("b")], "messages[1]"),
        ([answering("a"), asking("a")], "messages[0]"),
        ([asking("a"), answering("a"), answering("a")], "messages[2]"),
        ([QUESTION, Message.user([ToolCall(id="a", name="f")])], "messages[1]"),
        ([asking("a"), Message(role="assistant", parts=answering("a").parts)], "messages[1]"),
        ([asking("a", "a"), answering("a", "a")], "messages[0]"),
    ],
)
def test_a_past_with_a_call_or_a_result_alone_is_refused_by_name(past: list[Message], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_past(past)
    assert refused.value.details["field"] == field


def test_what_is_added_may_be_half_a_call() -> None:
    check_given([asking("a")])
    check_given([answering("a")])
    with pytest.raises(InvalidRequest):
        check_given([Message(role="assistant", parts=answering("a").parts)])
