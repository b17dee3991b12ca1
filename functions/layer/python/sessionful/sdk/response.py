"""What `run` and `json` give back, and the stream that can be awaited or iterated."""

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import Any

from sessionful.domain.event import AnyEvent
from sessionful.domain.message import ToolCall, ToolResult
from sessionful.domain.turn import TurnRecord
from sessionful.domain.usage import Usage


@dataclass(frozen=True)
class Response:
    """A finished turn. `output` is the typed answer of `json`, else None; `usage` sums the turn's steps."""

    text: str
    output: Any
    tool_calls: tuple[ToolCall, ...]
    tool_results: tuple[ToolResult, ...]
    usage: Usage
    steps: int
    session_id: str
    turn_id: str
    model: str

    @property
    def content(self) -> str:
        return self.text


def response_of(record: TurnRecord, model: str, output: Any = None) -> Response:
    return Response(
        text=record.response,
        output=output,
        tool_calls=record.tool_calls,
        tool_results=record.tool_results,
        usage=record.usage,
        steps=record.steps,
        session_id=record.session_id,
        turn_id=record.turn_id,
        model=model,
    )


class EventStream:
    """Events of one turn: `async for event in stream`, and also `async for event in await stream`."""

    def __init__(self, events: AsyncIterator[AnyEvent]) -> None:
        self._events = events

    def __aiter__(self) -> AsyncIterator[AnyEvent]:
        return self._events

    def __await__(self) -> Generator[Any, None, "EventStream"]:
        yield from ()
        return self

    async def aclose(self) -> None:
        """Stop listening. The turn goes on."""
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()
