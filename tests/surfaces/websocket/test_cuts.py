"""A line that breaks anywhere: what was heard before and after makes the same turn, in both forms."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessionful.core.service import Service
from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall
from sessionful.domain.session import NewSession
from sessionful.models.scripted import Reply
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.websocket.asks import Say, Task
from sessionful.surfaces.websocket.begin import begin
from sessionful.surfaces.websocket.pieces import LIMIT
from sessionful.surfaces.websocket.subscription import Subscription
from sessionful.surfaces.websocket.telling import frames
from tests.core.cable import QUICK, Clock, Process
from tests.surfaces.house import Gate, Says, an_agent
from tests.surfaces.websocket.sockets import Told, closing, text

SIZES = st.sampled_from([None, 1, 3, 10, 1000])
FORMS = ["chunks", "task"]
LONG = "ab\nü🙂\\\u2028" * 9000
"""Several frames of any form, full of what JSON or UTF-8 makes longer."""


def asked(form: str) -> Say | Task:
    if form == "chunks":
        return Say(message="Hi", session_id="s1")
    return Task.model_validate({"taskId": "t1", "input": {"content": "Hi"}, "context": {"sessionId": "s1"}})


async def heard_of(service: Service, subscription: Subscription, count: int | None = None) -> list[Told]:
    """Its frames, or the first of them."""
    told = frames(service, subscription)
    heard = list[Told]()
    async for frame in told:
        assert len(frame.text.encode()) <= LIMIT
        heard.append(json.loads(frame.text))
        assert frame.last == closing(heard[-1])
        if len(heard) == count:
            break
    await told.aclose()
    return heard


def data(heard: Sequence[Told]) -> list[tuple[str, Any]]:
    """Tool calls and results, joined as a client does."""
    joined = dict[tuple[str, str], str]()
    for told in heard:
        if told.get("chunkType") == "data":
            content = told["content"]
            known = json.dumps(content["arguments"]) if "arguments" in content else content.get("partial_json")
            key = content["type"], content["call_id"]
            joined[key] = joined.get(key, "") + (content["content"] if known is None else known)
    return [(kind, json.loads(value) if kind == "tool_call" else value) for (kind, _), value in joined.items()]


@st.composite
def turns(draw: st.DrawFn) -> list[Reply]:
    """Steps of thinking and text, each but the last with a call of a tool."""
    words = st.text("ab\n🙂 ", min_size=1, max_size=12)
    replies = list[Reply]()
    count = draw(st.integers(1, 3))
    for number in range(1, count + 1):
        parts: list[Part] = [Thinking(text=draw(words))] if draw(st.booleans()) else []
        parts.append(Text(text=draw(words)))
        if number < count:
            parts.append(ToolCall(id=f"c{number}", name="look", arguments={"at": draw(words)}))
        replies.append(Message.assistant(parts))
    return replies


def service_on(log: InMemoryLog, replies: Sequence[Reply], result: str, **fields: Any) -> Service:
    return Service([an_agent(log, "assistant", replies, [Says("look", result)], **fields)])


BROKEN_LINE: list[Reply] = [
    Message.assistant([Text(text="a"), ToolCall(id="c1", name="look", arguments={})]),
    Message.assistant([Thinking(text="b"), Text(text="c")]),
]
"""Text without a line's end, a tool, and then a thought, which begins on a line of its own."""

SHOWN = st.fixed_dictionaries({"show_tool_execution": st.booleans(), "show_thinking": st.booleans()})


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(turns(), SHOWN, SIZES, SIZES, st.booleans(), st.integers(0, 200))
@example(BROKEN_LINE, {"show_tool_execution": True, "show_thinking": True}, None, None, True, 5)
async def test_a_line_that_breaks_anywhere_loses_and_repeats_nothing(
    form: str,
    replies: list[Reply],
    shown: dict[str, bool],
    first: int | None,
    later: int | None,
    streaming: bool,
    cut: int,
) -> None:
    log = InMemoryLog()
    reasoning = {**shown, "enable_streaming": streaming}
    service = service_on(log, replies, "found\n", reasoning=reasoning, streaming={"chunk_size": first})
    await service.create_session("me", "assistant", NewSession(session_id="s1"))
    subscription = await begin(service, "me", "assistant", asked(form))
    whole = await heard_of(service, subscription)
    other = service_on(log, [], "", reasoning=reasoning, streaming={"chunk_size": later})
    kept = whole[: cut % len(whole)]
    after = kept[-1]["id"] if kept else None
    rest = await heard_of(other, subscription.model_copy(update={"after": after}))
    assert text([*kept, *rest]) == text(whole)
    assert data([*kept, *rest]) == data(whole)
    assert [closing(told) for told in rest].index(True) == len(rest) - 1
    assert whole[-1]["id"] == rest[-1]["id"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("streaming", [True, False])
async def test_long_answers_and_results_go_out_in_frames_that_fit_and_can_be_cut_between_any_two(
    form: str, streaming: bool
) -> None:
    log = InMemoryLog()
    call = ToolCall(id="c1", name="look", arguments={"at": LONG})
    replies: list[Reply] = [Message.assistant([Text(text="I look."), call]), LONG]
    reasoning = {"show_tool_execution": True, "enable_streaming": streaming}
    service = service_on(log, replies, LONG, reasoning=reasoning, limits={"tool_result_chars": 10**6})
    await service.create_session("me", "assistant", NewSession(session_id="s1"))
    subscription = await begin(service, "me", "assistant", asked(form))
    await (await service.find_turn("me", "assistant", "s1", subscription.turn_id or "")).result()
    whole = await heard_of(service, subscription)  # from the log, where each text is one again
    assert text(whole).endswith(LONG) and len(whole) > 12
    if form == "task" and streaming:
        assert data(whole) == [("tool_call", {"at": LONG}), ("tool_result", LONG)]
    for cut in range(1, len(whole)):
        kept = whole[:cut]
        rest = await heard_of(service, subscription.model_copy(update={"after": kept[-1]["id"]}))
        assert len(rest) <= len(whole) - cut + 1
        assert text([*kept, *rest]) == text(whole)
        assert data([*kept, *rest]) == data(whole)


async def killed(tasks: set[asyncio.Task[Any]]) -> None:
    """What a process takes with it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), SIZES)
async def test_after_a_take_over_the_reader_is_told_what_still_holds(form: str, cut: int, size: int | None) -> None:
    """The first process dies in the second step; the reader comes to another one, that says the step otherwise."""
    log, clock, others = InMemoryLog(clock := Clock()), clock, asyncio.all_tasks()
    first_step = Message.assistant([Text(text="A first step. "), ToolCall(id="c1", name="look", arguments={})])
    fields = an_agent(log, streaming={"chunk_size": size}).settings
    dying = Process(log, clock, [first_step, "Words that are lost"], [Says("look", "x")], delay=0.0005, settings=fields)
    await dying.open()
    subscription = await begin(dying.service, "me", None, asked(form))
    heard = await heard_of(dying.service, subscription, cut)
    dying.cable.cut()
    await killed(asyncio.all_tasks() - others)
    if not any(map(closing, heard)):
        clock.pass_the_lease()
        successor = Process(log, clock, ["Other words."], [Says("look", "x")], settings=fields, pace=QUICK)
        after = heard[-1]["id"]
        heard += await heard_of(successor.service, subscription.model_copy(update={"after": after}))
        await successor.service.let_go()
        page = await successor.history()
        assert text(heard) == "".join(said for role, said in page if role == "assistant")
    assert closing(heard[-1]) and sum(map(closing, heard)) == 1


async def test_a_silent_telling_is_kept_alive_by_pings() -> None:
    gate = Gate("One")
    service = service_on(InMemoryLog(), [gate], "")
    subscription = await begin(service, "me", "assistant", Say(message="Hi"))
    heard = list[Told]()
    async for frame in frames(service, subscription, heartbeat=0.02):
        heard.append(json.loads(frame.text))
        if sum("ping" in told for told in heard) == 2:
            gate.let()
    assert text(heard) == "One" and closing(heard[-1])
