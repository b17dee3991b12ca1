"""A tool that does what its function does, and what some of them do."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sessionful.core.toolbox import Toolbox
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
        answer: str = await self._body(arguments, context)
        return answer


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
