"""The door from synchronous code into the asynchronous core: one event loop in one background thread."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine. The calling thread waits; it may be one that runs an event loop of its own."""
    return asyncio.run_coroutine_threadsafe(work, _portal()).result()


def iterate(items: AsyncIterator[T]) -> Iterator[T]:
    """Pull an asynchronous iterator from synchronous code. Leaving early closes it."""
    try:
        while True:
            try:
                yield run(_next(items))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            run(close())


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


def _portal() -> asyncio.AbstractEventLoop:
    """Started on first use, and anew in a forked child: threads do not survive a fork."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="sessionful", daemon=True).start()
        return _loop
