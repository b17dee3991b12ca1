"""Runs a blocking function in a thread of its own."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """What the function returns or raises; it sees the caller's context variables.

    Not the loop's pool: a tool that hangs would take a store's place there, and keep the process from ending. When
    the caller is cancelled the thread goes on to its end and what it returns is dropped.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[tuple[T | None, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(value: T | None, error: BaseException | None) -> None:
        if not outcome.done():
            outcome.set_result((value, error))

    def work() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = context.run(function)
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(deliver, value, error)

    threading.Thread(target=work, name="tool", daemon=True).start()
    # The error comes as a value, because a future refuses to hold a StopIteration and would never be done.
    value, error = await outcome
    if error is not None:
        try:
            raise error
        finally:
            error = None  # the traceback holds this frame: without this they would keep each other alive
    return value  # type: ignore[return-value]  # None only where the function returned None
