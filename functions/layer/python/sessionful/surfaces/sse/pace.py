"""Cut a turn's text anew: so many characters at a time, with a pause between, or each block in one piece."""

import asyncio
from collections.abc import AsyncIterator

from sessionful.domain.event import AnyEvent, Cursor, TextDelta, ThinkingDelta, Told
from sessionful.surfaces.sse.dialect import Style
from sessionful.surfaces.sse.resume import close

Delta = TextDelta | ThinkingDelta


def paced(told: AsyncIterator[Told], style: Style, *, whole_blocks: bool = False) -> AsyncIterator[Told]:
    """The events in the style's chunks; unchanged when it asks for none. `whole_blocks` where it does not stream.

    Thinking that nobody is shown takes no pauses.
    """
    kinds = (TextDelta, ThinkingDelta) if style.thinking else (TextDelta,)
    if not style.streaming:
        return _cut(told, kinds, None, 0.0) if whole_blocks else told
    if style.chunk_size is not None:
        return _cut(told, kinds, style.chunk_size, style.delay)
    return _delayed(told, kinds, style.delay) if style.delay else told


class _Held:
    """Text of one block that was not told yet, and the cursor behind it."""

    def __init__(self, cursor: Cursor, event: Delta) -> None:
        self.cursor, self._event, self._texts = cursor, event, [event.text]
        self.length = len(event.text)

    def goes_on(self, cursor: Cursor, event: AnyEvent) -> bool:
        first = self._event
        return type(event) is type(first) and event.index == first.index and self.cursor[:2] == cursor[:2]

    def add(self, cursor: Cursor, event: Delta) -> None:
        self._texts.append(event.text)
        self.length += len(event.text)
        self.cursor = cursor

    def take(self, size: int) -> Told:
        """The first `size` characters, with their own cursor: a cursor counts characters."""
        text = "".join(self._texts)
        self._texts = [text[size:]]
        self.length -= size
        cursor = self.cursor._replace(position=self.cursor.position - self.length)
        return Told(cursor, type(self._event)(text=text[:size], index=self._event.index))


async def _cut(
    told: AsyncIterator[Told], kinds: tuple[type[Delta], ...], size: int | None, delay: float
) -> AsyncIterator[Told]:
    held: _Held | None = None
    try:
        async for each in told:
            cursor, event = each
            if held is not None and not held.goes_on(cursor, event):
                if held.length:
                    yield held.take(held.length)
                held = None
            if not isinstance(event, kinds):
                yield each
                continue
            if held is None:
                held = _Held(cursor, event)
            else:
                held.add(cursor, event)
            while size is not None and held.length >= size:
                yield held.take(size)
                if delay:
                    await asyncio.sleep(delay)
        if held is not None and held.length:
            yield held.take(held.length)
    finally:
        await close(told)


async def _delayed(told: AsyncIterator[Told], kinds: tuple[type[Delta], ...], delay: float) -> AsyncIterator[Told]:
    try:
        async for each in told:
            yield each
            if isinstance(each.event, kinds):
                await asyncio.sleep(delay)
    finally:
        await close(told)
