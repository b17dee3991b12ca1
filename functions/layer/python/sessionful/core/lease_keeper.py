"""Keeps a running turn's lease alive; also how word left by others, or a take-over, reaches the turn."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from sessionful.domain.error import AgentError, LeaseLost
from sessionful.domain.turn import Lease
from sessionful.ports import Clock, SessionLog

log = logging.getLogger("sessionful.turn")


class LeaseKeeper:
    """Renews after a third of the lease, so a short turn costs no renewal at all."""

    def __init__(
        self,
        store: SessionLog,
        lease: Lease,
        lease_ms: int,
        clock: Clock,
        stop: Callable[[Literal["cancelled", "lost"]], None],
    ) -> None:
        self._store, self._lease, self._lease_ms, self._clock, self._stop = store, lease, lease_ms, clock, stop
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._lease_ms / 3000, self._begin)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        try:
            if await self._store.renew(self._lease, self._clock() + self._lease_ms):
                self._stop("cancelled")
        except LeaseLost:
            self._stop("lost")
            return
        except AgentError as error:
            log.warning("lease=<%s> code=<%s> | not renewed, will try again", self._lease, error.code)
        self.start()
