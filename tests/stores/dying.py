"""A process that ends as if it was killed, at the moment when Python's audit hooks tell of an event."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

_KILLED = 9


async def dies(after: tuple[str, ...], work: Callable[..., Any], *args: Any) -> None:
    """Does the work elsewhere, up to the last of these events, which come one after the other. `work` is a function of
    a module, or a coroutine function of one."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(after, work, args))
    process.start()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode == _KILLED


def _work(after: tuple[str, ...], work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    waiting = list(after)

    def watch(event: str, _: object) -> None:
        if event == waiting[0]:
            waiting.pop(0)
            if not waiting:
                os._exit(_KILLED)

    sys.addaudithook(watch)
    done = work(*args)
    if isinstance(done, Coroutine):
        asyncio.run(done)
