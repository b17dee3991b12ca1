"""Iterate something that blocks in a thread of its own, and hand its items to the event loop one by one."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_ROOM = 64  # items that may wait for a slow reader


class Interrupt:
    """Told once by the reader, heard by the thread: `on` names what unblocks it, run at once if it is too late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._action: Callable[[], object] | None = None
        self.is_set = False

    def on(self, action: Callable[[], object]) -> None:
        with self._lock:
            self._action = action
            late = self.is_set
        if late:
            action()

    def set(self) -> None:
        with self._lock:
            first, self.is_set = not self.is_set, True
            action = self._action
        if first and action is not None:
            action()


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


async def from_thread(produce: Callable[[Interrupt], Iterator[T]]) -> AsyncGenerator[T, None]:
    """What `produce` yields, in order; what it raises is raised here. At most 64 items wait: then the thread does.

    A thread of its own, not one of the loop's pool: a reply takes as long as it takes, and the pool serves the stores.
    Closing the generator interrupts the thread without waiting for it.
    """
    bridge: _Bridge[T] = _Bridge(asyncio.get_running_loop())
    threading.Thread(target=bridge.run, args=(produce,), name="model-stream", daemon=True).start()
    try:
        while True:
            while bridge.waiting:
                item = bridge.take()
                if not isinstance(item, _End):
                    yield item
                elif item.error is not None:
                    raise item.error
                else:
                    return
            await bridge.arrived.wait()
            bridge.arrived.clear()
    finally:
        bridge.stop()


class _Bridge(Generic[T]):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.waiting: deque[T | _End] = deque()
        self.arrived = asyncio.Event()
        self._loop = loop
        self._room = threading.Semaphore(_ROOM)
        self._interrupt = Interrupt()

    def take(self) -> T | _End:
        item = self.waiting.popleft()
        self._room.release()
        return item

    def stop(self) -> None:
        self._interrupt.set()
        self._room.release()

    def run(self, produce: Callable[[Interrupt], Iterator[T]]) -> None:
        items = produce(self._interrupt)
        try:
            for item in items:
                self._room.acquire()
                if self._interrupt.is_set:
                    break
                self._hand_over(item)
            self._hand_over(_End())
        except BaseException as error:  # whatever it is, it belongs to the reader
            self._hand_over(_End(error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def _hand_over(self, item: T | _End) -> None:
        self.waiting.append(item)
        try:
            self._loop.call_soon_threadsafe(self.arrived.set)
        except RuntimeError:  # the loop is closed, and with it whoever waited
            self._interrupt.set()
