"""Going on where a reader stopped: what it heard last, and everything later."""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from sessionful.domain.event import TERMINAL, Cursor, TextDelta, ThinkingDelta, Told


class Resumed(NamedTuple):
    last: Told | None
    later: AsyncIterator[Told]


async def look_back(
    follow: Callable[[Cursor | None], AsyncIterator[Told]], after: Cursor | None, *, one_turn: bool = False
) -> Resumed:
    """Reads from one place before the cursor: a dialect must know whether a line, a block, a thought is still open,
    and the last place alone tells that. Waits until there is one event.

    At a turn's end the next turn follows; with `one_turn` the end is told once more, so that every stream has one.
    """
    if after is None or after.position == 0:
        return Resumed(None, follow(after))
    source = follow(after._replace(position=after.position - 1))
    first = await anext(source, None)
    if first is None:
        return Resumed(None, source)
    if first.cursor <= after:
        if not isinstance(first.event, TERMINAL):
            return Resumed(first, source)
        if one_turn:
            return Resumed(None, chained(first, source))
        await close(source)
        return Resumed(first, follow(after))
    event = first.event
    cut = first.cursor[:2] == after[:2] and first.cursor.position - event.length < after.position
    if cut and isinstance(event, TextDelta | ThinkingDelta):
        unread = first.cursor.position - after.position
        last = Told(after, event.model_copy(update={"text": event.text[:-unread]}))
        rest = Told(first.cursor, event.model_copy(update={"text": event.text[-unread:]}))
        return Resumed(last, chained(rest, source))
    return Resumed(None, chained(first, source))


async def close(iterator: AsyncIterator[Any]) -> None:
    closing = getattr(iterator, "aclose", None)
    if closing is not None:
        await closing()


async def chained(first: Told, rest: AsyncIterator[Told]) -> AsyncIterator[Told]:
    try:
        yield first
        async for told in rest:
            yield told
    finally:
        await close(rest)
