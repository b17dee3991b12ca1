"""Alarms in a SQLite file: for the processes of one machine. They outlive all of them."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Self

from sessionful.alarms.bell import Ring, listen
from sessionful.alarms.sqlite_file import SqliteThread, prepare
from sessionful.domain.clock import now_ms
from sessionful.domain.session import SessionKey
from sessionful.ports import Clock, Wake

# AUTOINCREMENT: a number is never used again, so a receipt can never be another alarm's.
_LAYOUT = (
    """CREATE TABLE IF NOT EXISTS alarms (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        due INTEGER NOT NULL,
        times INTEGER NOT NULL DEFAULT 0,
        owner TEXT NOT NULL,
        agent TEXT NOT NULL,
        session TEXT NOT NULL,
        turn TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS alarms_due ON alarms (due)",
    "SELECT number, due, times, owner, agent, session, turn FROM alarms LIMIT 0",
)
_SET = "INSERT INTO alarms (due, owner, agent, session, turn) VALUES (?, ?, ?, ?, ?)"
_DUE = """
SELECT number, times + 1, owner, agent, session, turn FROM alarms WHERE due <= ? ORDER BY due, number LIMIT ?
"""
_CLAIM = "UPDATE alarms SET due = ?, times = times + 1 WHERE number = ? AND times = ? - 1"
_POSTPONE = "UPDATE alarms SET due = ? WHERE number = ? AND times = ?"
_DONE = "DELETE FROM alarms WHERE number = ? AND times = ?"
_COUNT = "SELECT count(*) FROM alarms"


class SqliteAlarmQueue:
    """Whoever sets alarms and whoever listens use a thread each: a turn does not wait for a listener's work."""

    def __init__(self, file: Path, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._setting, self._ringing = SqliteThread(file), SqliteThread(file)
        self._nudge = asyncio.Event()

    @classmethod
    def open(cls, file: str | Path, clock: Clock = now_ms) -> Self:
        """Makes the file where there is none. Raises ConfigError for one that cannot be had or holds something else,
        and StoreUnavailable for one that is locked."""
        path = Path(file)
        prepare(path, _LAYOUT)
        return cls(path, clock)

    async def set(self, wake: Wake, delay: float) -> None:
        key = wake.key
        await self._setting.write(_SET, self._at(delay), key.owner, key.agent, key.id, wake.turn_id)
        if delay <= 0:
            self._nudge.set()

    async def hear(self, limit: int, within: float, again_in: float) -> list[Ring]:
        async def look() -> list[Ring]:
            return await self._ringing.do(lambda connection: self._claim(connection, limit, again_in))

        return await listen(look, self._nudge, within)

    async def postpone(self, receipt: str, delay: float) -> None:
        await self._ringing.write(_POSTPONE, self._at(delay), *receipt.split("."))

    async def done(self, receipt: str) -> None:
        await self._ringing.write(_DONE, *receipt.split("."))

    async def count(self) -> int:
        [(number,)] = await self._ringing.do(lambda connection: connection.execute(_COUNT).fetchall())
        return int(number)

    async def close(self) -> None:
        await self._setting.close()
        await self._ringing.close()

    def _claim(self, connection: sqlite3.Connection, limit: int, again_in: float) -> list[Ring]:
        """Looking only reads, so an idle listener is in nobody's way. Of several that see the same alarm one gets it:
        the one that counts it up."""
        again = self._at(again_in)
        rings = []
        for number, times, owner, agent, session, turn in connection.execute(_DUE, (self._clock(), limit)).fetchall():
            if connection.execute(_CLAIM, (again, number, times)).rowcount == 1:
                rings.append(Ring(Wake(SessionKey(owner, agent, session), turn), f"{number}.{times}", times))
        return rings

    def _at(self, delay: float) -> int:
        return self._clock() + int(delay * 1000)
