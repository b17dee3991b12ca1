"""The toolbox under tools that answer, fail and misbehave."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionful.domain.error import ConfigError, ModelError, ToolError
from sessionful.domain.message import ToolCall
from sessionful.ports import ToolContext
from tests.core.scripted_tool import Body, Scripted, a_box, a_context, calls, failing, hang, only, quick, results


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
