"""A bank that is opened when it is first asked for something: most turns need none."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from sessionful.ports import MemoryBank


class DeferredBank:
    """Passes every call on. What opening it raises, the call raises, and the next one tries again."""

    def __init__(self, opened: Callable[[], MemoryBank]) -> None:
        self._opened = opened
        self._bank: MemoryBank | None = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            bank = self._bank or await asyncio.to_thread(self._open)  # opening a database blocks
            return await getattr(bank, name)(*args, **kwargs)

        return call

    async def close(self) -> None:
        with self._lock:
            bank, self._bank = self._bank, None
        if bank is not None:
            await bank.close()

    def _open(self) -> MemoryBank:
        with self._lock:
            if self._bank is None:
                self._bank = self._opened()
            return self._bank
