"""Transactions in threads: each is done wholly or not at all, and tried again while the database only stumbles."""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sessionful.domain.error import StoreUnavailable
from sessionful.ports import Clock
from sessionful.stores.sql.engine import for_writing
from sessionful.stores.sql.failure import Moved, read_failure

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6
_PATIENCE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05


class Transaction(NamedTuple):
    """What the work of a transaction is given. `again`: an earlier try may have been done although its answer was
    lost, so the work has to know its own traces."""

    connection: Connection
    clock: Clock
    again: bool = False


class Database:
    """Runs transactions on threads of its own, from any event loop.

    SQLite has one writer at a time, so its writes queue for one thread: first come, first served, where threads that
    each wait for the file's lock would starve one another. Its readers never wait for the writer.
    """

    def __init__(self, engine: Engine, clock: Clock, connections: int) -> None:
        self._engine = engine
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
            running = pool.submit(transact, engine, self._clock, work)
        except RuntimeError:
            raise StoreUnavailable("the session store was closed") from None
        return await asyncio.wrap_future(running)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writers.shutdown()
        self._engine.dispose()


def _given(work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], tx: Transaction) -> T:
    return work(tx, *args, **kwargs)


def transact(engine: Engine, clock: Clock, work: Callable[[Transaction], T]) -> T:
    """Does the work in one transaction, in this thread."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    pause, again = _FIRST_PAUSE_SECONDS, False
    for tries_left in reversed(range(_TRIES)):
        try:
            with engine.begin() as connection:
                return work(Transaction(connection, clock, again))
        except (DBAPIError, PoolTimeout, Moved) as error:
            failure = read_failure(error)
        if not failure.passing or not tries_left or time.monotonic() > give_up:
            break
        again = again or failure.uncertain
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause *= 2
    # Raised out here, so that the driver's error, with its statement, is not dragged along as the context.
    raise failure.error
