"""SQL databases for the suite: each process of tests has one of its own, each test finds it empty."""

import asyncio
import atexit
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, delete, func, select, text

from sessionful.ports import Clock
from sessionful.stores.sql import SqlBank, SqlLog
from sessionful.stores.sql.address import read_address
from sessionful.stores.sql.schema import METADATA, SCHEMA
from tests.contracts.postgres import private_postgres, programs

POSTGRES_URL = "SESSIONFUL_TEST_POSTGRES_URL"
MYSQL_URL = "SESSIONFUL_TEST_MYSQL_URL"

_TABLES = [table for table in reversed(METADATA.sorted_tables) if table is not SCHEMA]
_until_exit = ExitStack()
atexit.register(_until_exit.close)


def with_postgres() -> bool:
    return POSTGRES_URL in os.environ or programs() is not None


def with_mysql() -> bool:
    return MYSQL_URL in os.environ


def new_sqlite() -> str:
    """The address of a file that is not there yet, nor is its folder."""
    folder = _until_exit.enter_context(tempfile.TemporaryDirectory())
    return f"sqlite:///{Path(folder) / 'made' / 'sessions.db'}"


def new_postgres() -> str:
    return _new_database(_postgres_server())


def new_mysql() -> str:
    return _new_database(os.environ[MYSQL_URL])


sqlite_url = cache(new_sqlite)
postgres_url = cache(new_postgres)
mysql_url = cache(new_mysql)


@asynccontextmanager
async def sql_log(url: str, clock: Clock) -> AsyncIterator[tuple[SqlLog, Callable[[], Awaitable[int]]]]:
    """A log in that database, emptied, and the number of rows in it and of files beside it."""
    log = SqlLog.open(url, clock=clock)
    yield log, _emptied(url)
    await log.close()


@asynccontextmanager
async def sql_bank(url: str, clock: Clock) -> AsyncIterator[tuple[SqlBank, Callable[[], Awaitable[int]]]]:
    """A bank in that database, emptied, and the number of rows in it."""
    bank = SqlBank.open(url, clock=clock)
    yield bank, _emptied(url)
    await bank.close()


def _emptied(url: str) -> Callable[[], Awaitable[int]]:
    """Counts what is in the database from now on, rows and files."""
    address = read_address(url)
    engine = create_engine(address, poolclass=NullPool)
    beside = Path(f"{address.database}.objects")
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(delete(table))

    async def raw_count() -> int:
        with engine.connect() as connection:
            counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _TABLES]
        return sum(counts) + await asyncio.to_thread(_paths_in, beside)

    return raw_count


def _paths_in(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


@cache
def _postgres_server() -> str:
    return os.environ.get(POSTGRES_URL) or _until_exit.enter_context(private_postgres())


def _new_database(server: str) -> str:
    """The address of a new database on that server, dropped at the end."""
    address = read_address(server)
    name = f"sessionful_{uuid4().hex}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))

    def drop() -> None:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))

    _until_exit.callback(drop)
    return address.set(database=name).render_as_string(hide_password=False)
