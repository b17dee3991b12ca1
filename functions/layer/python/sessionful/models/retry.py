"""Try again before the first piece, and never after it: what a reader has seen is not said twice."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from sessionful.domain.error import AgentError, ModelError, ModelUnavailable, RateLimited
from sessionful.ports import Piece

T = TypeVar("T")
_WORTH_ANOTHER_TRY = frozenset({408, 409, 424, 500})


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    `retries` are the tries after the first. The n-th waits a random time up to `base` * 2^n, at most `longest` seconds;
    a server that names its time (Retry-After) is waited for exactly so long, or, when that is more than `patience`
    seconds, not at all: the caller then learns at once when to come back.
    """

    retries: int = 2
    base: float = 0.5
    longest: float = 8.0
    patience: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random

    async def pieces(self, attempt: Callable[[], AsyncGenerator[Piece, None]]) -> AsyncGenerator[Piece, None]:
        """The pieces of the first attempt that gives any. Raises the last attempt's error."""
        tried = 0
        while True:
            async with aclosing(attempt()) as pieces:
                try:
                    first = await anext(pieces)
                except AgentError as error:
                    pause = self._pause(error, tried)
                    if pause is None:
                        raise
                else:
                    yield first
                    async for piece in pieces:
                        yield piece
                    return
            tried += 1
            await self.sleep(pause)

    async def whole(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What the first attempt gives that does not fail. Raises the last attempt's error."""
        tried = 0
        while True:
            try:
                return await attempt()
            except AgentError as error:
                pause = self._pause(error, tried)
                if pause is None:
                    raise
            tried += 1
            await self.sleep(pause)

    def _pause(self, error: AgentError, tried: int) -> float | None:
        if tried >= self.retries or not worth_another_try(error):
            return None
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.patience else None
        return self.draw() * min(self.longest, self.base * 2.0**tried)


def worth_another_try(error: AgentError) -> bool:
    """Whether the same request may well succeed a little later."""
    if isinstance(error, ModelError):
        return isinstance(error, ModelUnavailable) or error.status_code in _WORTH_ANOTHER_TRY
    return isinstance(error, RateLimited)
