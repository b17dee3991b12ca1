"""Work that can be stopped: what asks the model and runs the tools, never what writes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

Stop = Literal["cancelled", "timeout", "interrupted", "handed_over", "lost", "deleted"]


class Work:
    """One piece at a time. The first reason to stop counts, and stays."""

    def __init__(self) -> None:
        self.stopped: Stop | None = None
        self._task: asyncio.Task[None] | None = None

    def stop(self, why: Stop) -> None:
        if self.stopped is None:
            self.stopped = why
            if self._task is not None:
                self._task.cancel()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Raises CancelledError when it was stopped, also before it began."""
        if self.stopped is not None:
            work.close()
            raise asyncio.CancelledError
        self._task = asyncio.create_task(work)
        try:
            await self._task
        finally:
            self._task = None
