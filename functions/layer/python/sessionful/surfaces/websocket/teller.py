"""A turn's events as frames of one of the forms: what is said, the places where it was said, and the closing."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sessionful.domain.event import (
    AnyEvent,
    Cursor,
    TextDelta,
    ThinkingDelta,
    Told,
    ToolCalled,
    ToolReturned,
    TurnCompleted,
    TurnFailed,
    TurnSuperseded,
)
from sessionful.domain.usage import Usage
from sessionful.surfaces.sse import Style
from sessionful.surfaces.sse.chunks import CANCELLED
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.sse.spoken import Spoken
from sessionful.surfaces.websocket.forms import ChunkForm, TaskForm
from sessionful.surfaces.websocket.pieces import Fields, pieces


class Frame(NamedTuple):
    """`text` is JSON. `cursor` and `id` say where to go on behind it, `id` to the character; a frame of the connection
    itself has neither. `last` is the closing one."""

    cursor: Cursor | None
    text: str
    last: bool = False
    id: str | None = None


class Totals(NamedTuple):
    status: str
    usage: Usage
    steps: int


class _Part(NamedTuple):
    """Something told at one place: `text` is what it is cut by, `make` makes a frame of a piece of it."""

    text: str
    make: Callable[[str], Fields]


class Teller:
    """`start` is where the telling begins: behind it, the first `skip` characters were heard before. `last` is what
    the reader heard last, where it comes back in the middle of a turn."""

    def __init__(
        self, form: ChunkForm | TaskForm, style: Style, start: Cursor, skip: int = 0, last: Told | None = None
    ) -> None:
        self._form, self._streaming = form, style.streaming
        self._data = form if isinstance(form, TaskForm) and style.tools and style.streaming else None
        self._spoken = _BesideTools(style._replace(tools=False), last) if self._data else Spoken(style, last)
        self._start = self._before = start
        self._skip = skip
        self._held: list[str] = []

    def frames(self, told: Told) -> Iterator[Frame]:
        """Of any event but the turn's end."""
        here, event = told
        if isinstance(event, TurnSuperseded):
            yield from self._go_back(event.keep, here)
        elif not self._streaming:
            self._held.append(self._spoken.text(here, event))
        else:
            delta = event.length if isinstance(event, TextDelta | ThinkingDelta) else 0
            yield from self._place(self._parts(here, event), here, delta)
            self._skip = 0
        self._before = here

    def ending(self, told: Told, totals: Totals) -> Iterator[Frame]:
        here, event = told
        tail = self._spoken.text(here, event)
        behind = f"{self._before}+{len(tail)}" if tail else str(self._before)
        text = "".join([*self._held, tail])
        if text:
            yield from self._pieces([_Part(text, self._form.text)], self._start_of_held, (self._before, behind))
        if not isinstance(event, TurnCompleted):
            error = event.error if isinstance(event, TurnFailed) else CANCELLED
            yield _frame(self._form.error(error), self._before, behind)
        yield _frame(self._form.done(*totals), here, str(here), last=True)

    @property
    def _start_of_held(self) -> Cursor:
        return self._before if self._streaming else self._start

    def _go_back(self, keep: int, here: Cursor) -> Iterator[Frame]:
        keep = self._spoken.go_back(keep)
        if self._streaming:
            self._skip = 0
            yield _frame(self._form.superseded(keep), here, str(here))
        else:
            self._held = ["".join(self._held)[:keep]]

    def _parts(self, here: Cursor, event: AnyEvent) -> list[_Part]:
        text = self._spoken.text(here, event)
        parts = [_Part(text, self._form.text)] if text else []
        if self._data is not None and isinstance(event, ToolCalled | ToolReturned):
            parts.append(_tool(self._data, event))
        return parts

    def _place(self, parts: list[_Part], here: Cursor, delta: int) -> Iterator[Frame]:
        if parts:
            yield from self._pieces(parts, self._before, (here, str(here)), delta)

    def _pieces(
        self, parts: list[_Part], before: Cursor, behind: tuple[Cursor, str], delta: int = 0
    ) -> Iterator[Frame]:
        """The last frame carries the place behind it all. The `delta` characters at the end have places of their own;
        of what comes before them it is counted how much was told."""
        cut = list(self._cut(parts))
        total = sum(len(part.text) for part in parts)
        for number, (fields, told) in enumerate(cut, 1):
            if number == len(cut):
                yield _frame(fields, *behind)
            elif total - told < delta:
                cursor = behind[0]._replace(position=behind[0].position - (total - told))
                yield _frame(fields, cursor, str(cursor))
            else:
                yield _frame(fields, before, f"{before}+{told}")

    def _cut(self, parts: list[_Part]) -> Iterator[tuple[Fields, int]]:
        """Each piece that was not heard yet, and how many characters are told with it."""
        told = 0
        for text, make in parts:
            heard = min(max(self._skip - told, 0), len(text))
            told += heard
            if text and heard == len(text):
                continue
            for piece in pieces(make, text[heard:]):
                told += len(piece)
                yield make(piece), told


class _BesideTools(Spoken):
    """Where tools are told as data they end the line all the same: a reader may come back behind them."""

    def _said(self, event: AnyEvent) -> str:
        if isinstance(event, ToolCalled | ToolReturned):
            self._mid_line = False
        return super()._said(event)


def _tool(form: TaskForm, event: ToolCalled | ToolReturned) -> _Part:
    """A result's content, and arguments that are too long, may be told in several pieces: the client joins them."""
    about = {"call_id": event.call_id, "name": event.name}
    if isinstance(event, ToolReturned):
        known = {"type": "tool_result", **about, "is_error": event.is_error}
        return _Part(event.content, lambda piece: form.data({**known, "content": piece}))
    called = {"type": "tool_call", **about}
    arguments, written = event.arguments, json_text(event.arguments)

    def call(piece: str) -> Fields:
        return form.data(called | ({"arguments": arguments} if piece == written else {"partial_json": piece}))

    return _Part(written, call)


def _frame(fields: Fields, cursor: Cursor, id: str, last: bool = False) -> Frame:
    return Frame(cursor, json_text({**fields, "id": id}), last, id)
