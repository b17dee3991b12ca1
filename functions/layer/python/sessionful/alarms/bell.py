"""The other end of an alarm: where a worker waits for the wakes that are due."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from sessionful.ports import Alarm, Wake

_POLL_SECONDS = 0.4  # how late an alarm may be heard that another process has set


class Ring(NamedTuple):
    """A wake that is due. `times`: how often it has rung so far, this time included. The receipt is of this time only:
    once the wake has rung again, it is worth nothing."""

    wake: Wake
    receipt: str
    times: int


class Bell(Protocol):
    """What is not done by its time rings again, here or with another listener: every wake is heard at least once.
    All of it raises StoreUnavailable, after a bounded wait."""

    async def hear(self, limit: int, within: float, again_in: float) -> list[Ring]:
        """What is due, at most `limit`, the longest due first where the queue keeps an order. When nothing is, waits up
        to `within` seconds for it. Nobody else hears these for `again_in` seconds; then they ring again."""
        ...

    async def postpone(self, receipt: str, delay: float) -> None:
        """Have it ring again `delay` seconds from now, rather than when it would."""
        ...

    async def done(self, receipt: str) -> None:
        """It rings no more."""
        ...


class AlarmQueue(Alarm, Bell, Protocol):
    """Both ends of the same alarms. Belongs to one event loop."""

    async def count(self) -> int:
        """The wakes that are not done: those to come, those that are due, those that somebody has heard."""
        ...

    async def close(self) -> None: ...


async def listen(look: Callable[[], Awaitable[list[Ring]]], nudge: asyncio.Event, within: float) -> list[Ring]:
    """Looks until something is due: at once, whenever it is nudged, and from time to time."""
    give_up = time.monotonic() + within
    while True:
        nudge.clear()  # before looking: a nudge that comes meanwhile counts
        rings = await look()
        left = give_up - time.monotonic()
        if rings or left <= 0:
            return rings
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(nudge.wait(), min(left, _POLL_SECONDS))
