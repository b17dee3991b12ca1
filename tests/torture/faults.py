"""A SessionLog that dies, dawdles, refuses, or loses its answers: between the core and a store that does none of it."""

import asyncio
import itertools
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sessionful.domain.error import RateLimited, StoreUnavailable

WRITES = frozenset(
    {"create", "change", "delete", "fork", "rebase", "begin", "begin_next", "append", "settle", "insert", "flush"}
    | {"release", "take_over", "ask_cancel"}
)
_VERBS = WRITES | {"get", "find", "list_sessions", "queued", "peek", "watch", "read", "turn", "turn_for"}


@dataclass(frozen=True)
class Faults:
    """`die_before` and `die_after`: at the how manyth write the process kills itself. The rest are probabilities, each
    for one call; `latency` is the longest pause, in seconds."""

    die_before: int = 0
    die_after: int = 0
    dying: float = 0.0
    refusing: float = 0.0
    losing: float = 0.0
    latency: float = 0.0
    seed: int = 0


class FaultyLog:
    """Every verb passes through the same gate."""

    def __init__(self, log: Any, faults: Faults) -> None:
        self._log, self._faults = log, faults
        self._random = random.Random(faults.seed)
        self._writes = itertools.count(1)

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self._log, verb)
        if verb not in _VERBS:
            return method

        async def spoilt(*arguments: Any, **named: Any) -> Any:
            return await self._spoil(verb, lambda: method(*arguments, **named))

        return spoilt

    async def _spoil(self, verb: str, do: Callable[[], Awaitable[Any]]) -> Any:
        faults, chance = self._faults, self._random.random
        if faults.latency:
            await asyncio.sleep(chance() ** 4 * faults.latency)  # mostly short
        if chance() < faults.refusing:
            raise RateLimited("throttled", retry_after=0.05) if chance() < 0.5 else StoreUnavailable("not now")
        number = next(self._writes) if verb in WRITES else 0
        if number and (number == faults.die_before or chance() < faults.dying / 2):
            _die()
        answer = await do()
        if number and (number == faults.die_after or chance() < faults.dying / 2):
            _die()
        if number and chance() < faults.losing:
            raise StoreUnavailable("the answer was lost")
        return answer


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
