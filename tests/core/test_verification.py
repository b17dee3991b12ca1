"""A stored session is verified: what the loop makes of its replies and results is what is stored, or it is named."""

from collections.abc import Sequence
from typing import Any

import pytest

from sessionful.core.answer import answer_shape
from sessionful.core.rerun import Stage
from sessionful.core.verification import TurnCheck, verify
from sessionful.domain.agent import AgentSettings, Reasoning
from sessionful.domain.error import ModelUnavailable, RateLimited, ToolError
from sessionful.domain.message import Message, Text, Thinking, ToolCall
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry
from sessionful.domain.usage import Usage
from sessionful.models.recorded import RecordedModel
from sessionful.models.scripted import Reply
from sessionful.ports import CallPiece, TextPiece, ThinkingPiece
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool
from tests.core.conversation import Conversation, add, calling, slow, until

STAGE = Stage(log=InMemoryLog, model=RecordedModel)


@tool
async def refuse() -> str:
    """Refuse."""
    raise ToolError("no")


async def verified(talk: Conversation) -> list[TurnCheck]:
    session = await talk.service.get_session("me", None, talk.id)
    return [check async for check in verify(session, talk.log, STAGE)]


async def the_same(talk: Conversation) -> list[str | None]:
    """Why each turn was not run again, if it was not."""
    checks = await verified(talk)
    assert [difference for check in checks for difference in check.differences] == []
    return [check.kept_from for check in checks]


async def broken_off(*pieces: Any) -> Any:
    for piece in pieces:
        yield piece
    raise RateLimited("later", retry_after=3)


REPLIES: dict[str, Sequence[Reply]] = {
    "an answer": ["Hello there, you"],
    "nothing at all": [Message(role="assistant", parts=())],
    "thinking": [Message.assistant([Thinking(text="hm", signature="s"), Thinking(redacted="cg=="), Text(text="yes")])],
    "tools": [calling(("add", {"a": 1, "b": 2}), ("refuse", {}), ("nobody", {})), calling(("add", {"a": "x"})), "so"],
    "arguments that are no JSON": [Message.assistant([ToolCall(id="c", name="add", invalid='{"a": ')]), "oh"],
    "a slow call before a quick one": [calling(("slow", {"seconds": 0.02}), ("add", {"a": 1, "b": 2})), "so"],
    "a failure before the first word": [ModelUnavailable("down", status_code=503)],
    "a failure after some words": [lambda request: broken_off(ThinkingPiece("hm"))],
    "a failure behind a call": [
        lambda request: broken_off(TextPiece("a"), CallPiece(0, "c", "add"), TextPiece("b"), TextPiece("c"))
    ],
    "too many steps": [calling(("add", {"a": 1, "b": 1}))],
    "an unexpected error": [ValueError("x")],
}


@pytest.mark.parametrize("name", REPLIES)
async def test_a_turn_comes_out_again_as_it_is_stored(name: str) -> None:
    settings = AgentSettings(reasoning=Reasoning(max_steps=3))
    talk = await Conversation(REPLIES[name], [add, refuse, slow], settings=settings).open()
    await talk.ask("go")
    await talk.ask("and once more")
    assert await the_same(talk) == [None, None]


@pytest.mark.parametrize("replies", [["none", "3"], ["none"], ['{"n": 1}', "null", "3"]])
async def test_a_typed_answer_is_judged_again_as_it_was(replies: list[Reply]) -> None:
    talk = await Conversation(replies).open()
    await talk.ask("count", answer=answer_shape(int))
    assert await the_same(talk) == [None]


async def test_what_was_stopped_from_outside_or_put_in_by_hand_is_checked_for_its_form() -> None:
    talk = await Conversation(["a b c d e f g h i j"], delay=0.02).open(messages=(Message.user("before"),))
    handle = await talk.say("go")
    await until(lambda: talk.model.requests)
    await talk.service.cancel_turn("me", None, "s1", handle.turn_id)
    await talk.service.add_messages("me", None, "s1", [Message.assistant("by hand")])
    by_hand = "it was put in by hand"
    assert await the_same(talk) == [by_hand, "it was cancelled from outside", by_hand]


async def test_a_fork_a_fork_within_a_turn_and_a_cleared_session_are_verified() -> None:
    talk = await Conversation([calling(("add", {"a": 1, "b": 2})), "three", "four"], [add]).open()
    await talk.ask("go")
    await talk.ask("on")
    await talk.service.fork_session("me", None, "s1", "whole")
    await talk.service.fork_session("me", None, "s1", "within", at="1.1")
    await talk.service.clear_session("me", None, "s1")
    kept_from = {"s1": [None], "whole": [None, None, None]}
    kept_from["within"] = ["it goes on in the session that this one was forked from", None]
    for talk.id, expected in kept_from.items():
        await talk.ask("more")
        assert await the_same(talk) == expected


def altered(entries: Sequence[Entry], step: int, **fields: Any) -> list[Entry]:
    return [entry.model_copy(update=fields) if entry.position.step == step else entry for entry in entries]


@pytest.mark.parametrize(
    ("step", "fields", "found"),
    [
        (1, {"reply": Message.assistant("other words")}, (1, "form")),
        (2, {"reply": Message.assistant("")}, (2, "reply")),
        (2, {"stop_reason": "max_tokens", "reply": calling(("add", {}))}, (2, "form")),
        (1, {"usage_total": Usage(input_tokens=77)}, (2, "form")),
        (2, {"message_count": 7}, (2, "form")),
        (2, {"position": Position(1, 3)}, (2, "form")),
    ],
)
async def test_what_was_altered_in_the_store_is_named(
    step: int, fields: dict[str, Any], found: tuple[int, str]
) -> None:
    talk = await Conversation([calling(("add", {"a": 1, "b": 2})), "three"], [add]).open()
    await talk.ask("go")
    session = await talk.service.get_session("me", None, "s1")
    entries = altered(await talk.log.read(session, 10), step, **fields)
    log = InMemoryLog(talk.clock)
    await log.create(_copy(session), entries)
    (check,) = [check async for check in verify(_copy(session), log, STAGE)]
    assert [(one.step, one.field) for one in check.differences][:1] == [found]


def _copy(session: Session) -> Session:
    return session.model_copy(update={"log": "another"})
