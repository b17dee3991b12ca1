"""What every dialect offers, and how an agent wants its stream to be told."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, Protocol, Self

from sessionful.domain.agent import AgentSettings
from sessionful.domain.event import Told


class Style(NamedTuple):
    """`chunk_size` is in characters (none: as the model gives them), `delay` in seconds between two chunks. Without
    `streaming` the whole text is told at once, when the turn has ended."""

    thinking: bool = False
    tools: bool = False
    debug: bool = False
    streaming: bool = True
    chunk_size: int | None = None
    delay: float = 0.0

    @classmethod
    def of(cls, settings: AgentSettings, debug: bool = False) -> Self:
        shown, pace = settings.reasoning, settings.streaming
        return cls(
            thinking=shown.show_thinking,
            tools=shown.show_tool_execution,
            debug=debug or shown.show_debug_info,
            streaming=shown.enable_streaming,
            chunk_size=pace.chunk_size,
            delay=pace.delay_ms / 1000,
        )


class Dialect(Protocol):
    @property
    def ping(self) -> bytes:
        """Sent while there is nothing to tell."""
        ...

    def frames(self, told: AsyncIterator[Told], last: Told | None = None) -> AsyncIterator[bytes]:
        """The frames of a turn, up to the closing one. `last` is what a resuming reader heard last.

        Every frame carries the cursor of the place behind it. Where one place of the tape needs several frames, all
        but the last carry the cursor before it: whoever breaks off in between hears all of them again.
        """
        ...

    def broken(self, error: Mapping[str, Any]) -> bytes:
        """The last frames of a stream that could not be read to its end; the turn itself may go on."""
        ...
