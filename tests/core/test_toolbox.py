"""The toolbox under tools that answer, fail, hang and misbehave."""

import asyncio
import contextlib
import logging
import math
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sessionful.core.toolbox import Toolbox
from sessionful.domain.error import ConfigError, ModelError, ToolError
from sessionful.domain.message import ToolCall, ToolResult
from sessionful.ports import ToolContext, ToolSpec

Body = Callable[[Mapping[str, Any], ToolContext], Awaitable[Any]]


class Scripted:
    """A tool that does what its function does."""

    def __init__(self, name: str, body: Body, timeout: float | None = None) -> None:
        self.spec = ToolSpec(name, "", {"type": "object"})
        self.timeout = timeout
        self._body = body

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        return await self._body(arguments, context)


def a_context(call: ToolCall, deadline: float = math.inf) -> ToolContext:
    return ToolContext("sess_1", "turn_1_x", call.id, "coder", "alice", None, deadline)


def a_box(*tools: Scripted, timeout: float = 5, result_chars: int = 1000) -> Toolbox:
    return Toolbox(tools, timeout=timeout, result_chars=result_chars)


def calls(*names: str) -> list[ToolCall]:
    return [ToolCall(id=f"call_{n}", name=name) for n, name in enumerate(names)]


async def results(box: Toolbox, made: list[ToolCall]) -> list[ToolResult]:
    return [result async for result in box.run(made, a_context)]


async def only(box: Toolbox, name: str) -> ToolResult:
    (result,) = await results(box, calls(name))
    return result


async def hang(arguments: Mapping[str, Any], context: ToolContext) -> str:
    await asyncio.Event().wait()
    return "never"


async def quick(arguments: Mapping[str, Any], context: ToolContext) -> str:
    return "done"


def failing(error: BaseException) -> Body:
    async def fail(arguments: Mapping[str, Any], context: ToolContext) -> str:
        raise error

    return fail


async def test_the_first_call_to_finish_gives_the_first_result() -> None:
    gate = asyncio.Event()

    async def last(arguments: Mapping[str, Any], context: ToolContext) -> str:
        await gate.wait()
        return "last"

    box = a_box(Scripted("slow", last), Scripted("quick", quick))
    async with contextlib.aclosing(box.run(calls("slow", "quick"), a_context)) as running:
        first = await anext(running)
        assert (first.call_id, first.name, first.content) == ("call_1", "quick", "done")
        gate.set()
        assert (await anext(running)).content == "last"
        with pytest.raises(StopAsyncIteration):
            await anext(running)


async def test_calls_run_side_by_side() -> None:
    everybody = asyncio.Barrier(5)

    async def meet(arguments: Mapping[str, Any], context: ToolContext) -> str:
        await everybody.wait()
        return context.call_id

    answers = await results(a_box(Scripted("meet", meet)), calls(*["meet"] * 5))
    assert sorted(answer.content for answer in answers) == [f"call_{n}" for n in range(5)]


async def test_a_call_past_its_time_is_cancelled_and_answered_with_an_error() -> None:
    seen: list[str] = []

    async def slow(arguments: Mapping[str, Any], context: ToolContext) -> str:
        try:
            return await hang(arguments, context)
        finally:
            seen.append("cleaned up")

    result = await only(a_box(Scripted("slow", slow), timeout=0.05), "slow")
    assert result.is_error
    assert result.content == "slow was stopped: it took longer than 0.05 s"
    assert seen == ["cleaned up"]


async def test_a_tool_that_swallows_its_cancellation_does_not_hold_up_the_others() -> None:
    release = asyncio.Event()

    async def stubborn(arguments: Mapping[str, Any], context: ToolContext) -> str:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        return "at last"

    started = time.monotonic()
    answers = await results(a_box(Scripted("stubborn", stubborn), timeout=0.05), calls("stubborn"))
    release.set()
    assert answers[0].is_error
    assert time.monotonic() - started < 4


async def test_a_tool_with_a_time_limit_of_its_own_keeps_to_that() -> None:
    async def slower_than_the_box(arguments: Mapping[str, Any], context: ToolContext) -> str:
        await asyncio.sleep(0.1)
        return f"{context.deadline - time.monotonic():.0f}"

    box = a_box(Scripted("long", slower_than_the_box, timeout=30), Scripted("short", hang, timeout=0.02), timeout=0.05)
    short, long = await results(box, calls("long", "short"))
    assert (long.content, long.is_error) == ("30", False)
    assert "longer than 0.02 s" in short.content


async def test_the_deadline_of_the_context_comes_before_the_time_limit() -> None:
    box = a_box(Scripted("slow", hang), timeout=30)
    (result,) = [r async for r in box.run(calls("slow"), lambda call: a_context(call, time.monotonic() + 0.05))]
    assert result.is_error


async def test_the_tool_is_told_when_it_will_be_cut_off() -> None:
    async def left(arguments: Mapping[str, Any], context: ToolContext) -> str:
        return f"{context.deadline - time.monotonic():.0f}"

    assert (await only(a_box(Scripted("left", left), timeout=7), "left")).content == "7"


async def test_what_a_tool_says_went_wrong_reaches_the_model_unchanged() -> None:
    result = await only(a_box(Scripted("orders", failing(ToolError("no such user: u9")))), "orders")
    assert (result.content, result.is_error) == ("no such user: u9", True)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("seven is not even"), "ValueError: seven is not even"),
        (KeyError("id"), "KeyError: 'id'"),
        (RuntimeError(), "RuntimeError"),
        (ModelError("no model"), "ModelError: no model"),
    ],
)
async def test_any_other_failure_is_told_in_a_line_and_logged_with_its_traceback(
    error: Exception, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        result = await only(a_box(Scripted("broken", failing(error))), "broken")
    assert (result.content, result.is_error) == (text, True)
    (record,) = caplog.records
    assert record.exc_info is not None and record.exc_info[1] is error
    assert "broken" in record.getMessage()


async def test_a_tool_cannot_end_the_process() -> None:
    async def leave(arguments: Mapping[str, Any], context: ToolContext) -> str:
        sys.exit("bye")

    result = await only(a_box(Scripted("leave", leave)), "leave")
    assert (result.content, result.is_error) == ("SystemExit: bye", True)


async def test_a_tool_whose_own_work_was_cancelled_is_a_failed_tool() -> None:
    result = await only(a_box(Scripted("odd", failing(asyncio.CancelledError()))), "odd")
    assert result.is_error and "cancelled" in result.content


async def test_an_answer_that_is_no_text_is_a_failure() -> None:
    async def number(arguments: Mapping[str, Any], context: ToolContext) -> Any:
        return 7

    result = await only(a_box(Scripted("number", number)), "number")
    assert result.is_error and "int instead of text" in result.content


async def test_an_unknown_tool_is_answered_with_the_known_ones() -> None:
    result = await only(a_box(Scripted("search", quick), Scripted("read_file", quick)), "serach")
    assert result.is_error
    assert "'serach'" in result.content and "search, read_file" in result.content


async def test_a_call_whose_arguments_were_no_object_is_not_run() -> None:
    ran: list[str] = []

    async def note(arguments: Mapping[str, Any], context: ToolContext) -> str:
        ran.append("ran")
        return ""

    call = ToolCall(id="c", name="note", invalid='{"path": ')
    (result,) = await results(a_box(Scripted("note", note)), [call])
    assert result.is_error and "no JSON object" in result.content and '{"path": ' in result.content
    assert not ran


@pytest.mark.parametrize("fails", [False, True])
async def test_a_long_result_is_cut_and_says_how_much_is_missing(fails: bool) -> None:
    async def wordy(arguments: Mapping[str, Any], context: ToolContext) -> str:
        if fails:
            raise ToolError("x" * 2500)
        return "x" * 2500

    result = await only(a_box(Scripted("wordy", wordy), result_chars=100), "wordy")
    assert result.content == "x" * 100 + "\n[cut: 100 of 2500 characters are shown]"
    assert result.is_error is fails


async def test_a_result_can_always_be_stored_as_utf8() -> None:
    async def broken(arguments: Mapping[str, Any], context: ToolContext) -> str:
        return "caf\udce9 \ud83d ok 🙂"

    content = (await only(a_box(Scripted("broken", broken)), "broken")).content
    assert content.encode() and content.endswith("ok 🙂")


async def test_a_tool_that_changes_its_arguments_does_not_change_the_call() -> None:
    async def change(arguments: Mapping[str, Any], context: ToolContext) -> str:
        arguments["list"].append(2)
        return str(arguments["list"])

    call = ToolCall(id="c", name="change", arguments={"list": [1]})
    (result,) = await results(a_box(Scripted("change", change)), [call])
    assert result.content == "[1, 2]"
    assert call.arguments == {"list": [1]}


def cleaning(cleaned: list[str], started: asyncio.Event) -> Body:
    async def slow(arguments: Mapping[str, Any], context: ToolContext) -> str:
        started.set()
        try:
            return await hang(arguments, context)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(context.call_id)

    return slow


async def test_closing_cancels_what_still_runs_and_waits_for_it() -> None:
    cleaned: list[str] = []
    box = a_box(Scripted("slow", cleaning(cleaned, asyncio.Event())), Scripted("quick", quick))
    running = box.run(calls("slow", "quick", "slow"), a_context)
    assert (await anext(running)).name == "quick"
    await running.aclose()
    assert sorted(cleaned) == ["call_0", "call_2"]


async def test_cancelling_the_reader_cancels_what_still_runs_and_waits_for_it() -> None:
    cleaned: list[str] = []
    started = asyncio.Event()
    box = a_box(Scripted("slow", cleaning(cleaned, started)))
    reader = asyncio.create_task(results(box, calls("slow", "slow")))
    await started.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert sorted(cleaned) == ["call_0", "call_1"]


async def test_no_calls_are_no_results() -> None:
    assert await results(a_box(), []) == []


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="search"):
        a_box(Scripted("search", quick), Scripted("search", quick))


def test_the_specs_are_told_in_the_order_of_the_tools() -> None:
    box = a_box(Scripted("b", quick), Scripted("a", quick))
    assert [spec.name for spec in box.specs] == ["b", "a"]


FATES: dict[str, Body] = {
    "quick": quick,
    "hang": hang,
    "refuse": failing(ToolError("no")),
    "break": failing(ValueError("broken")),
    "cancel": failing(asyncio.CancelledError()),
    "leave": failing(SystemExit(3)),
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*FATES, "unknown"]), max_size=12))
def test_every_call_has_exactly_one_result_whatever_the_tools_do(names: list[str]) -> None:
    box = a_box(*(Scripted(name, body) for name, body in FATES.items()), timeout=0.02)
    answers = asyncio.run(results(box, calls(*names)))
    assert sorted(answer.call_id for answer in answers) == sorted(call.id for call in calls(*names))
    assert all(answer.is_error == (answer.name != "quick") for answer in answers)
