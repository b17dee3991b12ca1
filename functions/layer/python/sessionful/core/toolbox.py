"""The toolbox: runs the tool calls of one reply side by side and gives each result as it comes."""

import asyncio
import copy
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from sessionful.domain.error import ConfigError, ToolError
from sessionful.domain.message import ToolCall, ToolResult
from sessionful.ports import Tool, ToolContext, ToolSpec

_PATIENCE = 2.0  # seconds that a cancelled tool has for cleaning up before it is left to itself
_log = logging.getLogger(__name__)


class Toolbox:
    """The tools of one agent, bounded.

    `timeout` is in seconds, for one call, and never beyond the deadline in the call's context (`time.monotonic()`); a
    tool with a `timeout` of its own keeps to that one instead. The tool's context has the deadline that holds.
    `result_chars` is the longest result, in characters. Raises ConfigError when two tools have the same name.
    """

    def __init__(self, tools: Sequence[Tool], timeout: float, result_chars: int) -> None:
        self._tools: dict[str, Tool] = {}
        self._timeout = timeout
        self._result_chars = result_chars
        for tool in tools:
            name = tool.spec.name
            if name in self._tools:
                raise ConfigError(f"two tools have the name {name!r}", key="tools", given=name)
            self._tools[name] = tool

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def repeatable(self, call: ToolCall) -> bool:
        """Whether the call may be made again when nobody knows if it was done: also when it would not run at all."""
        tool = self._tools.get(call.name)
        return tool is None or call.invalid is not None or bool(getattr(tool, "idempotent", False))

    async def run(
        self, calls: Sequence[ToolCall], context_for: Callable[[ToolCall], ToolContext]
    ) -> AsyncGenerator[ToolResult, None]:
        """Every call is answered by exactly one result, whatever its tool does; the first to finish comes first.

        Closing the generator, or cancelling who reads it, cancels the calls that still run and waits for them. Who
        may stop reading early wraps it in `contextlib.aclosing`.
        """
        contexts = [context_for(call) for call in calls]
        tasks = [
            asyncio.create_task(self._answer(call, context)) for call, context in zip(calls, contexts, strict=True)
        ]
        running = set(tasks)
        try:
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=tasks.index):
                    yield task.result()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    async def _answer(self, call: ToolCall, context: ToolContext) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return self._result(call, f"there is no tool {call.name!r}; the tools are: {known}", True)
        if call.invalid is not None:
            text = f"{call.name} was not run: its arguments were no JSON object but {call.invalid[:200]!r}"
            return self._result(call, text, True)
        now = time.monotonic()
        own: float | None = getattr(tool, "timeout", None)
        deadline = min(context.deadline, now + self._timeout) if own is None else now + own
        work = asyncio.create_task(_attempt(tool, call, context._replace(deadline=deadline)))
        # The tool is a task of its own: one that swallows its cancellation must not hold up the turn.
        if not await _done_within(work, deadline - now):
            _log.warning("tool=<%s> call_id=<%s> | stopped at its time limit", call.name, call.id)
            limit = round(deadline - now, 2)
            return self._result(call, f"{call.name} was stopped: it took longer than {limit:g} s", True)
        if work.cancelled():
            return self._result(call, f"{call.name} was cancelled before it had an answer", True)
        return self._result(call, *work.result())

    def _result(self, call: ToolCall, text: str, is_error: bool) -> ToolResult:
        if len(text) > self._result_chars:
            note = f"\n[cut: {self._result_chars} of {len(text)} characters are shown]"
            text = text[: self._result_chars] + note
        # Half a surrogate pair (a strange file name, a broken escape) could be neither stored nor sent.
        text = text.encode("utf-8", "replace").decode()
        return ToolResult(call_id=call.id, name=call.name, content=text, is_error=is_error)


async def _attempt(tool: Tool, call: ToolCall, context: ToolContext) -> tuple[str, bool]:
    """The text for the model, and whether it tells of a failure."""
    try:
        # A copy: what is stored of the call is what the model wrote, also when the tool changes its arguments.
        text = await tool.call(copy.deepcopy(call.arguments), context)
        if not isinstance(text, str):
            raise TypeError(f"the tool answered with {type(text).__name__} instead of text")
        return text, False
    except ToolError as error:
        return error.message, True
    except (Exception, SystemExit) as error:  # a tool that calls sys.exit() must not end the server
        _log.warning("tool=<%s> call_id=<%s> | the tool failed", call.name, call.id, exc_info=True)
        return f"{type(error).__name__}: {error}".rstrip(": "), True


async def _done_within(work: "asyncio.Task[tuple[str, bool]]", seconds: float) -> bool:
    """Cancels the work, and gives it a while to clean up, when time is over or whoever waits is cancelled."""
    try:
        await asyncio.wait({work}, timeout=max(seconds, 0))
        return work.done()
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work}, timeout=_PATIENCE)
