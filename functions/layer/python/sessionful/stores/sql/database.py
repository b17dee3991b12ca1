"""Transactions in threads: each is done wholly or not at all, and tried again while the database only stumbles."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sessionful.domain.error import AgentError, StoreUnavailable
from sessionful.ports import Clock
from sessionful.stores.objects import Files
from sessionful.stores.sql import files
from sessionful.stores.sql.engine import for_writing
from sessionful.stores.sql.failure import Moved, read_failure

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6
_PATIENCE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05
_logger = logging.getLogger(__name__)


class Transaction(NamedTuple):
    """What the work of a transaction is given. `again`: an earlier try may have been done although its answer was
    lost, so the work has to know its own traces. `beside`: its files."""

    connection: Connection
    clock: Clock
    again: bool
    beside: files.Beside


class Database:
    """Runs transactions on threads of its own, from any event loop.

    SQLite has one writer at a time, so its writes queue for one thread: first come, first served, where threads that
    each wait for the file's lock would starve one another. Its readers never wait for the writer.
    """

    def __init__(self, engine: Engine, clock: Clock, connections: int, beside: Files | None = None) -> None:
        self._engine = engine
        self._beside = beside
        self._writing = for_writing(engine)
        self._clock = clock
        if engine.dialect.name == "sqlite":
            self._readers = ThreadPoolExecutor(max(connections - 1, 1), thread_name_prefix="sessionful-sql")
            self._writers = ThreadPoolExecutor(1, thread_name_prefix="sessionful-sql-writer")
        else:
            self._readers = self._writers = ThreadPoolExecutor(connections, thread_name_prefix="sessionful-sql")

    async def read(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises StoreUnavailable, and whatever the work raises."""
        return await self._submit(self._readers, self._engine, partial(_given, work, args, kwargs))

    async def write(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises StoreUnavailable, and whatever the work raises: then nothing was written."""
        return await self._submit(self._writers, self._writing, partial(_given, work, args, kwargs))

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    async def _submit(self, pool: ThreadPoolExecutor, engine: Engine, work: Callable[[Transaction], T]) -> T:
        try:
            running = pool.submit(transact, engine, self._clock, work, self._beside)
        except RuntimeError:
            raise StoreUnavailable("the session store was closed") from None
        return await asyncio.wrap_future(running)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writers.shutdown()
        self._engine.dispose()


def _given(work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], tx: Transaction) -> T:
    return work(tx, *args, **kwargs)


def transact(engine: Engine, clock: Clock, work: Callable[[Transaction], T], beside: Files | None = None) -> T:
    """Does the work in one transaction, in this thread. `beside`: where large entries become files."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    pause, again = _FIRST_PAUSE_SECONDS, False
    for tries_left in reversed(range(_TRIES)):
        its_files = files.Beside(beside)
        try:
            with engine.begin() as connection, its_files.taking_back():
                done = work(Transaction(connection, clock, again, its_files))
        except (DBAPIError, PoolTimeout, Moved) as error:
            failure = read_failure(error)
        else:
            if beside is not None and its_files.gone:
                erase_files(engine, clock, beside, its_files.gone)
            return done
        if not failure.passing or not tries_left or time.monotonic() > give_up:
            break
        again = again or failure.uncertain
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause *= 2
    # Raised out here, so that the driver's error, with its statement, is not dragged along as the context.
    raise failure.error


def erase_noted(engine: Engine, clock: Clock, beside: Files) -> None:
    """What somebody who erased sessions has not come to."""
    noted = transact(engine, clock, lambda tx: files.noted(tx.connection))
    if noted:
        erase_files(for_writing(engine), clock, beside, noted)


def erase_files(engine: Engine, clock: Clock, beside: Files, logs: Sequence[str]) -> None:
    """The sessions are gone already, so what cannot be done just now is no failure: it stays noted."""
    try:
        files.erase(beside, logs)
        transact(engine, clock, lambda tx: files.forget(tx.connection, logs))
    except AgentError as error:
        _logger.warning("code=<%s> | the files of erased sessions are left for the next start", error.code)
