"""A turn as a person reads it: the answer as it comes, and beside it what the agent's settings let one see."""

from collections.abc import AsyncIterator
from typing import TextIO

from sessionful.cli.console import dim, printable
from sessionful.cli.failure import CommandFailed
from sessionful.domain.agent import Reasoning
from sessionful.domain.event import (
    TERMINAL,
    MessageStart,
    TextDelta,
    Told,
    TurnCompleted,
    TurnFailed,
    TurnSuperseded,
    TurnWasCancelled,
)
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.spoken import Spoken

Ending = TurnCompleted | TurnFailed | TurnWasCancelled


class Telling:
    """`out` gets the answer and nothing else, `aside` the tool calls, the thinking and the debug facts; they may be
    the same. Without `streaming` the answer is written at once, when the turn is complete."""

    def __init__(self, reasoning: Reasoning, *, streaming: bool, out: TextIO, aside: TextIO) -> None:
        self._style = Style(
            thinking=reasoning.show_thinking, tools=reasoning.show_tool_execution, debug=reasoning.show_debug_info
        )
        self._streaming, self._out, self._aside = streaming, out, aside
        self._mid_line = False

    async def tell(self, turn: AsyncIterator[Told]) -> Ending:
        """Writes the turn to its end, and says how it ended."""
        spoken, prose, step_at = Spoken(self._style), "", 0
        async for told in turn:
            event = told.event
            said = spoken.text(*told)
            if isinstance(event, TextDelta):
                said = said[: len(said) - len(event.text)]
                prose += event.text
            if said:
                self._tell_aside(said)
            if isinstance(event, TERMINAL):
                if isinstance(event, TurnCompleted) and not self._streaming:
                    self._write(prose[step_at:])
                self._end_line()
                return event
            if isinstance(event, MessageStart):
                self._end_line()
                step_at = len(prose)
            elif isinstance(event, TurnSuperseded):
                spoken.go_back(event.keep)
                prose, step_at = prose[: event.keep], 0
                self._start_over(prose)
            elif isinstance(event, TextDelta) and self._streaming:
                self._write(event.text)
        raise CommandFailed("the turn was not told to its end", "internal_error")

    def interrupted(self) -> None:
        self._end_line()
        self._tell_aside("(cancelled)\n")

    def _start_over(self, kept: str) -> None:
        """What was written cannot be taken back: it is said, and what still holds is written again."""
        if self._streaming:
            self._tell_aside("(interrupted; the answer so far does not hold, it starts over)\n")
            self._write(kept)

    def _tell_aside(self, text: str) -> None:
        self._end_line()
        self._aside.write(dim(printable(text.removeprefix("\n"), self._aside), self._aside))
        self._aside.flush()

    def _write(self, text: str) -> None:
        if text:
            self._out.write(printable(text, self._out))
            self._out.flush()
            self._mid_line = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._mid_line:
            self._write("\n")
