"""The live events of one running turn: one writer, any number of readers, each from its own cursor."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence

from sessionful.domain.event import TERMINAL, AnyEvent, Cursor, TextDelta, ThinkingDelta, Told


def after(told: Told, cursor: Cursor | None) -> Told | None:
    """What of this event lies behind the cursor: all, the rest of a delta that the cursor cuts, or nothing."""
    if cursor is None or cursor[:2] < told.cursor[:2]:
        return told
    if told.cursor <= cursor:
        return None
    event = told.event
    unread = told.cursor.position - cursor.position
    if isinstance(event, TextDelta | ThinkingDelta) and unread < event.length:
        return Told(told.cursor, event.model_copy(update={"text": event.text[-unread:]}))
    return told


class Tape:
    """Gives each event its place: a delta advances by its characters, any other event by its length.

    A new attempt goes on from the place where the stored steps end: what it shares with the former attempt keeps
    its cursors, and whatever the former attempt told beyond that is superseded.
    """

    def __init__(self, turn: int, attempt: int, position: int = 0) -> None:
        self.turn, self.attempt, self.position = turn, attempt, position

    def place(self, event: AnyEvent) -> Told:
        self.position += event.length
        return Told(Cursor(self.turn, self.attempt, self.position), event)


class Feed:
    """Belongs to one event loop. Holds the turn's events until the last reader lets go of it. `past` is what former
    attempts told that still holds."""

    def __init__(self, turn: int, attempt: int, past: Sequence[Told] = ()) -> None:
        self._tape = Tape(turn, attempt, past[-1].cursor.position if past else 0)
        self.told: list[Told] = list(past)
        self._cursors: list[Cursor] = [told.cursor for told in past]
        self._waiting: list[asyncio.Future[None]] = []
        self.ended = False

    def tell(self, event: AnyEvent) -> None:
        if isinstance(event, TextDelta | ThinkingDelta) and not event.text:
            return
        told = self._tape.place(event)
        self.told.append(told)
        self._cursors.append(told.cursor)
        self.ended = isinstance(event, TERMINAL)
        self._wake()

    def close(self) -> None:
        """Nothing more is told here; without a terminal event the turn goes on elsewhere."""
        self.ended = True
        self._wake()

    async def read(self, cursor: Cursor | None = None) -> AsyncIterator[Told]:
        """Every event behind the cursor, once, in order; ends after the terminal one, or when the feed is closed."""
        index = 0 if cursor is None else bisect_right(self._cursors, cursor)
        while True:
            while index < len(self.told):
                rest = after(self.told[index], cursor)
                index += 1
                if rest is not None:
                    yield rest
            if self.ended:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    @property
    def last(self) -> AnyEvent | None:
        return self.told[-1].event if self.told else None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
