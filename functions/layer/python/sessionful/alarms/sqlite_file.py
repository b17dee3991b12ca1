"""A SQLite file as several processes use it at once: each wait bounded, each failure said in the house's words."""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sessionful.domain.error import ConfigError, StoreUnavailable

T = TypeVar("T")

_LOCK_SECONDS = 1.0  # how long SQLite waits for another's lock
_PATIENCE_SECONDS = 2.0  # how long a caller waits, the others of this process before it included
_OPENING_SECONDS = 3.0
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def prepare(file: Path, script: Sequence[str]) -> None:
    """Makes the folder and the file, and runs the statements in it.

    Raises ConfigError for a file that cannot be had, or that is none of these, and StoreUnavailable for a locked one.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {str(file.parent)!r}, for alarms, cannot be made: {error.strerror}") from None
    give_up = time.monotonic() + _OPENING_SECONDS
    while True:
        try:
            return _run(file, script)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _PASSING:
                raise ConfigError(f"{str(file)!r} cannot keep alarms: {error}", file=str(file)) from None
        # The switch to a WAL does not wait for other processes that open the same file by itself.
        if time.monotonic() > give_up:
            raise StoreUnavailable(f"{str(file)!r} is locked by another program", file=str(file))
        time.sleep(random.uniform(0.01, 0.05))


def _run(file: Path, script: Sequence[str]) -> None:
    connection = _connect(file)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in script:
            connection.execute(statement)
    finally:
        connection.close()


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_LOCK_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")  # what a killed process has written stays; a loss of power may not
    return connection


class SqliteThread:
    """A thread with a connection of its own, so that the event loop never waits for a disk. One statement is one
    transaction."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sessionful-alarms")
        self._connection: sqlite3.Connection | None = None

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises StoreUnavailable; after too long a wait it is not known whether the work was done."""
        try:
            doing = self._thread.submit(self._work, work)
        except RuntimeError:
            raise StoreUnavailable("the alarms were closed") from None
        try:
            return await asyncio.wait_for(asyncio.wrap_future(doing), _PATIENCE_SECONDS)
        except TimeoutError:
            raise StoreUnavailable("the alarms' file is too busy") from None

    async def write(self, statement: str, *values: str | int) -> None:
        """Raises StoreUnavailable, as `do`."""
        await self.do(lambda connection: connection.execute(statement, values).close())

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = _connect(self._file)
            return work(self._connection)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:  # a mistake in the use of the module, not a failure of the file
                raise
            what = "is locked" if code & 0xFF in _PASSING else "cannot be used"
            failure = StoreUnavailable(f"the alarms' file {what}", reason=error.sqlite_errorname)
        raise failure  # out here, so that the driver's error is not dragged along as the context

    def _close(self) -> None:
        with contextlib.suppress(RuntimeError):  # closed before
            self._thread.submit(self._disconnect)
        self._thread.shutdown()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
