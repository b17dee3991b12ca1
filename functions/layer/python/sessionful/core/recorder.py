"""Makes what a turn tells durable while it runs: one flush at a time, each of which keeps the lease and brings word."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Literal

from sessionful.core.feed import Feed
from sessionful.core.groups import Said, write_group
from sessionful.domain.error import AgentError, LeaseLost, RateLimited, StoreUnavailable
from sessionful.domain.turn import Group, Lease
from sessionful.ports import Clock, SessionLog

_PATIENCE = 5
"""Flushes that fail in a row before whoever waits for one is told so."""

logger = logging.getLogger("sessionful.turn")


class Recorder:
    """Every `seconds` it flushes what was told meanwhile; when nothing was it only looks whether somebody wants the
    turn stopped, and prolongs the lease by itself when a third of it is over. So a turn that is over within `seconds`
    costs no request, and word from anywhere arrives within them.

    A flush is never interrupted, and never runs beside a write of the turn: see `writing`.
    """

    def __init__(
        self,
        log: SessionLog,
        lease: Lease,
        feed: Feed,
        clock: Clock,
        lease_ms: int,
        seconds: float,
        stop: Callable[[Literal["cancelled", "lost"]], None],
    ) -> None:
        self.step = 0
        self._log, self._lease, self._feed, self._clock, self._stop = log, lease, feed, clock, stop
        self._lease_ms, self._seconds = lease_ms, seconds
        self._writing = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._index, self._number = len(feed.told), 0
        self._said: Said | None = None
        self._unsure: Group | None = None
        self._prolong_at = clock() + lease_ms // 3
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def say(self, reply: Said) -> None:
        """The step's reply is whole and has tool calls: the next flush carries it."""
        self._said = reply

    def nudge(self) -> None:
        """Flush soon."""
        self._wanted.set()

    async def flushed(self) -> None:
        """Waits until what has been told and said so far is durable. Raises LeaseLost, and what a store raises that
        cannot for long."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wanted.set()
        await future

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """For a write of the turn's own. Afterwards all that was told so far counts as stored."""
        async with self._writing:
            yield
            self._index, self._said, self._unsure = len(self._feed.told), None, None
            self._prolong_at = self._clock() + self._lease_ms // 3

    async def _run(self) -> None:
        failed = 0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._seconds)
            self._wanted.clear()
            waiting, self._waiting = self._waiting, []
            error = await self._beat()
            failed = failed + 1 if error is not None else 0
            if isinstance(error, RateLimited | StoreUnavailable) and failed < _PATIENCE:
                self._waiting = waiting + self._waiting
                continue
            for future in waiting:
                if not future.done():
                    future.set_exception(error) if error is not None else future.set_result(None)

    async def _beat(self) -> AgentError | None:
        try:
            async with self._writing:
                asked = await self._flush()
        except LeaseLost as lost:
            self._stop("lost")
            return lost
        except (RateLimited, StoreUnavailable) as error:
            logger.warning("lease=<%s> code=<%s> | not flushed, will try again", self._lease, error.code)
            return error
        except AgentError as error:  # the store can never take it: readers elsewhere wait for the step
            logger.warning("lease=<%s> code=<%s> | not flushed", self._lease, error.code)
            self._unsure = None
            return error
        if asked:
            self._stop("cancelled")
        return None

    async def _flush(self) -> bool:
        # A group whose fate is unknown is sent again as it was: it may be stored already, under this number.
        asked = await self._send() if self._unsure is not None else False
        self._unsure = self._next()
        if self._unsure is not None or self._clock() >= self._prolong_at:
            return await self._send() or asked
        return asked or await self._log.peek(self._lease)

    async def _send(self) -> bool:
        asked = await self._log.flush(self._lease, self._unsure, self._clock() + self._lease_ms)
        self._unsure = None
        self._prolong_at = self._clock() + self._lease_ms // 3
        return asked

    def _next(self) -> Group | None:
        told, said = self._feed.told[self._index :], self._said
        if not told and said is None:
            return None
        self._number += 1
        self._index, self._said = len(self._feed.told), None
        return Group(self._number, write_group(self.step, told, said))
