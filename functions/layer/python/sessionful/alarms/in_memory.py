"""Alarms within one process: they are gone when it ends."""

import asyncio
from dataclasses import dataclass
from itertools import count

from sessionful.alarms.bell import Ring, listen
from sessionful.domain.clock import now_ms
from sessionful.ports import Clock, Wake


@dataclass
class _Set:
    wake: Wake
    due: int
    times: int = 0


class InMemoryAlarmQueue:
    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._set: dict[int, _Set] = {}
        self._nudge = asyncio.Event()

    async def set(self, wake: Wake, delay: float) -> None:
        self._set[next(self._numbers)] = _Set(wake, self._at(delay))
        if delay <= 0:
            self._nudge.set()

    async def hear(self, limit: int, within: float, again_in: float) -> list[Ring]:
        async def look() -> list[Ring]:
            return self._claim(limit, again_in)

        return await listen(look, self._nudge, within)

    async def postpone(self, receipt: str, delay: float) -> None:
        if (number := self._number(receipt)) is not None:
            self._set[number].due = self._at(delay)

    async def done(self, receipt: str) -> None:
        if (number := self._number(receipt)) is not None:
            del self._set[number]

    async def count(self) -> int:
        return len(self._set)

    async def close(self) -> None:
        self._set.clear()

    def _claim(self, limit: int, again_in: float) -> list[Ring]:
        now = self._clock()
        due = sorted((alarm.due, number) for number, alarm in self._set.items() if alarm.due <= now)
        rings = []
        for _, number in due[:limit]:
            alarm = self._set[number]
            alarm.due, alarm.times = self._at(again_in), alarm.times + 1
            rings.append(Ring(alarm.wake, f"{number}.{alarm.times}", alarm.times))
        return rings

    def _number(self, receipt: str) -> int | None:
        number, times = map(int, receipt.split("."))
        alarm = self._set.get(number)
        return number if alarm is not None and alarm.times == times else None

    def _at(self, delay: float) -> int:
        return self._clock() + int(delay * 1000)
