"""A turn as running text: tool calls, thinking and debug facts on lines of their own between the prose."""

import json
from collections.abc import Iterable

from sessionful.domain.event import (
    AnyEvent,
    Cursor,
    StepCompleted,
    TextDelta,
    ThinkingDelta,
    Told,
    ToolCalled,
    ToolReturned,
    TurnStarted,
)
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.facts import facts

_LABELS = {"execute_command": "Output: "}
"""Before the result of a tool that does not say what its text is."""


class Spoken:
    """What each event adds to the text. What lies before the cursor of a resuming reader is known by its last place
    only, so nothing but that place decides how the text goes on."""

    def __init__(self, style: Style, last: Told | None = None) -> None:
        self._style = style
        self._mid_line = False
        self._mid_thought = False
        self._heard = self._told = 0
        self._from_start = last is None
        self._kept: dict[int, int] = {}
        if last is not None:
            self._recall(last.event)

    def text(self, cursor: Cursor, event: AnyEvent) -> str:
        if isinstance(event, ThinkingDelta):
            added = self._thought(event.text) if self._style.thinking else ""
        else:
            added = self._end_thought() + self._said(event)
            added += self._lines(f"[{name}: {value}]" for name, value in self._facts(cursor, event))
        self._told += len(added)
        if isinstance(event, TurnStarted | StepCompleted):
            self._kept[self._heard] = self._told
        return added

    def go_back(self, keep: int) -> int:
        """Only the first `keep` characters of the turn's prose still hold: the length of that as it was told here.
        (A reader that resumed within the turn gets the number as it is: what it was told before is not known here.)"""
        told = self._kept.get(keep, keep) if self._from_start else keep
        self._heard, self._told = keep, told
        self._mid_line = self._mid_thought = False
        return told

    def _said(self, event: AnyEvent) -> str:
        if isinstance(event, TextDelta):
            self._heard += len(event.text)
            self._mid_line = not event.text.endswith("\n")
            return event.text
        if not self._style.tools:
            return ""
        if isinstance(event, ToolCalled):
            return self._line(f"[Tool: {event.name}({_arguments(event)})]")
        if isinstance(event, ToolReturned):
            label = "Error: " if event.is_error else _LABELS.get(event.name, "")
            return self._line(label + event.content)
        return ""

    def _thought(self, text: str) -> str:
        opening = "" if self._mid_thought else ("\n" if self._mid_line else "") + "[Thinking: "
        self._mid_thought, self._mid_line = True, True
        return opening + text

    def _end_thought(self) -> str:
        if not self._mid_thought:
            return ""
        self._mid_thought = self._mid_line = False
        return "]\n"

    def _line(self, text: str) -> str:
        start = "\n" if self._mid_line else ""
        self._mid_line = False
        return start + text + ("" if text.endswith("\n") else "\n")

    def _lines(self, texts: Iterable[str]) -> str:
        return "".join(self._line(text) for text in texts)

    def _facts(self, cursor: Cursor, event: AnyEvent) -> Iterable[tuple[str, str | int]]:
        return facts(cursor, event).items() if self._style.debug else ()

    def _recall(self, event: AnyEvent) -> None:
        if isinstance(event, TextDelta):
            self._mid_line = not event.text.endswith("\n")
        elif isinstance(event, ThinkingDelta):
            self._mid_thought = self._style.thinking
            self._mid_line = self._style.thinking or event.index > 0


def _arguments(event: ToolCalled) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in event.arguments.values())
