"""The typed dialect: `event:` equals the data's `type`; messages of blocks, closed by `event: done`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sessionful.domain.event import (
    TERMINAL,
    AnyEvent,
    Cursor,
    MessageStart,
    StepCompleted,
    TextDelta,
    ThinkingDelta,
    Told,
    ToolCalled,
    TurnCompleted,
    TurnFailed,
    TurnSuperseded,
)
from sessionful.domain.usage import Usage
from sessionful.surfaces.sse.chunks import CANCELLED
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.events import debug_json
from sessionful.surfaces.sse.facts import facts
from sessionful.surfaces.sse.frame import PING, frame, json_text
from sessionful.surfaces.sse.pace import paced
from sessionful.surfaces.sse.resume import close


class Totals(NamedTuple):
    usage: Usage
    steps: int


class Typed:
    """`totals` gives what a turn spent that did not come to its end, by the turn's id; without it, or
    for a turn that it does not know, what this reader heard is summed."""

    ping = PING + frame('{"type":"ping"}', "ping")

    def __init__(self, style: Style, totals: Callable[[str], Awaitable[Totals | None]] | None = None) -> None:
        self._style = style
        self._totals = totals

    async def frames(self, told: AsyncIterator[Told], last: Told | None = None) -> AsyncIterator[bytes]:
        told = paced(told, self._style, whole_blocks=True)
        blocks = _Blocks(self._style.thinking, last)
        cursor = last.cursor if last is not None else None
        spent = Totals(Usage(), 0)
        try:
            async for here, event in told:
                if isinstance(event, TERMINAL):
                    yield _joined(await self._closing(event, spent), cursor, here)
                    return
                if isinstance(event, StepCompleted):
                    spent = Totals(spent.usage + event.usage, event.step)
                data = list(blocks.data(event))
                if self._style.debug and (known := facts(here, event)):
                    data.append(("debug", debug_json(known)))
                if data:
                    yield _joined(data, cursor, here)
                cursor = here
        finally:
            await close(told)

    async def _closing(self, event: AnyEvent, spent: Totals) -> list[tuple[str, str]]:
        if isinstance(event, TurnCompleted):
            return [_done(Totals(event.usage, event.steps))]
        turn_id: str = event.turn_id  # type: ignore[union-attr]
        error = event.error if isinstance(event, TurnFailed) else CANCELLED
        known = await self._totals(turn_id) if self._totals is not None else None
        return [_error(error), _done(known or spent)]

    def broken(self, error: Mapping[str, Any]) -> bytes:
        return _joined([_error(error), _done(Totals(Usage(), 0))], None, None)


class _Blocks:
    """Which block of the message is open. A tool call is a block that is told whole."""

    def __init__(self, thinking: bool, last: Told | None) -> None:
        self._thinking = thinking
        self._open: int | None = None
        if last is not None and isinstance(last.event, self._shown):
            self._open = last.event.index

    @property
    def _shown(self) -> tuple[type[TextDelta | ThinkingDelta], ...]:
        return (TextDelta, ThinkingDelta) if self._thinking else (TextDelta,)

    def data(self, event: AnyEvent) -> Iterator[tuple[str, str]]:
        if isinstance(event, self._shown):
            yield from self._delta(event)
        elif isinstance(event, MessageStart):
            yield _typed("message_start", message={"role": "assistant", "step": event.step})
        elif isinstance(event, ToolCalled):
            yield from self._stop()
            start = {"type": "tool_use", "id": event.call_id, "name": event.name, "input": {}}
            yield _typed("content_block_start", index=event.index, content_block=start)
            arguments = json_text(event.arguments)
            yield _typed("input_json_delta", partial_json=arguments, index=event.index)
            yield _typed("content_block_stop", index=event.index)
        elif isinstance(event, StepCompleted):
            yield from self._stop()
            yield _typed("message_delta", delta={"stop_reason": event.stop_reason}, usage=_spent(event.usage))
            yield _typed("message_stop")
        elif isinstance(event, TurnSuperseded):
            self._open = None
            yield _typed("superseded", keep=event.keep)

    def _delta(self, event: TextDelta | ThinkingDelta) -> Iterator[tuple[str, str]]:
        kind = "text" if isinstance(event, TextDelta) else "thinking"
        if self._open != event.index:
            yield from self._stop()
            self._open = event.index
            yield _typed("content_block_start", index=event.index, content_block={"type": kind, kind: ""})
        yield _typed(f"{kind}_delta", text=event.text, index=event.index)

    def _stop(self) -> Iterator[tuple[str, str]]:
        if self._open is not None:
            yield _typed("content_block_stop", index=self._open)
            self._open = None


def _typed(kind: str, **fields: Any) -> tuple[str, str]:
    return kind, json_text({"type": kind, **fields}, compact=True)


def _spent(usage: Usage) -> dict[str, int]:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}


def _error(error: Mapping[str, Any]) -> tuple[str, str]:
    return _typed("error", error=error)


def _done(totals: Totals) -> tuple[str, str]:
    return "done", json_text({"usage": _spent(totals.usage), "steps": totals.steps}, compact=True)


def _joined(data: list[tuple[str, str]], before: Cursor | None, behind: Cursor | None) -> bytes:
    frames = [frame(text, kind, before) for kind, text in data[:-1]]
    return b"".join([*frames, frame(data[-1][1], data[-1][0], behind)])
