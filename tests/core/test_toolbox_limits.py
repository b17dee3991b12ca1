"""Bounds of time and size, and what cancelling does."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

import pytest

from sessionful.domain.error import ToolError
from sessionful.ports import ToolContext
from tests.core.scripted_tool import Body, Scripted, a_box, a_context, calls, hang, only, quick, results


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


@pytest.mark.parametrize("fails", [False, True])
async def test_a_long_result_is_cut_and_says_how_much_is_missing(fails: bool) -> None:
    async def wordy(arguments: Mapping[str, Any], context: ToolContext) -> str:
        if fails:
            raise ToolError("x" * 2500)
        return "x" * 2500

    result = await only(a_box(Scripted("wordy", wordy), result_chars=100), "wordy")
    assert result.content == "x" * 100 + "\n[cut: 100 of 2500 characters are shown]"
    assert result.is_error is fails


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
