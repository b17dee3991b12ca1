"""Laying out the tables, once, also when several processes start at the same moment, and bringing older ones up."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from sessionful.domain.error import ConfigError, StoreUnavailable
from sessionful.ports import Clock
from sessionful.stores.sql.database import Transaction, transact
from sessionful.stores.sql.engine import LOCK_SECONDS, for_writing
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.schema import METADATA, SCHEMA, VERSION

_PART = "sessions"
_LOCK_NAME = "sessionful_schema"
_LOCK_NUMBER = 0x5E5510F


def lay_out(engine: Engine, clock: Clock) -> None:
    """Creates the tables where they are missing, and adds what an older release did not know. Raises ConfigError for a
    layout that a newer release made."""
    if engine.dialect.name == "sqlite":
        _use_wal(engine)
    version = transact(engine, clock, _version)
    if version is None or version < VERSION:
        version = transact(for_writing(engine), clock, _bring_up)
    if version > VERSION:
        raise ConfigError(
            "the session store was laid out by a newer release of sessionful: upgrade this one",
            found=version,
            known=VERSION,
        )


def _version(tx: Transaction) -> int | None:
    if not inspect(tx.connection).has_table(SCHEMA.name):
        return None
    return tx.connection.execute(select(SCHEMA.c.version).where(SCHEMA.c.part == _PART)).scalar()


def _bring_up(tx: Transaction) -> int:
    with _alone(tx.connection):
        version = _version(tx)
        if version is not None and version >= VERSION:
            return version
        METADATA.create_all(tx.connection)
        for table in METADATA.sorted_tables:
            _add_columns(tx.connection, table)
            for index in table.indexes:
                index.create(tx.connection, checkfirst=True)
        # Last, because MySQL commits each change of a table as it is made: this row says that all of them are there.
        if version is None:
            tx.connection.execute(insert(SCHEMA).values(part=_PART, version=VERSION))
        else:
            tx.connection.execute(update(SCHEMA).where(SCHEMA.c.part == _PART).values(version=VERSION))
    return VERSION


def _add_columns(connection: Connection, table: Table) -> None:
    """Adds what the table lacks, which is nothing where a change that broke off had come to it."""
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """One at a time. SQLite's is alone since BEGIN IMMEDIATE, PostgreSQL's until it commits."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
    if kind != "mysql":
        yield
        return
    lock = {"name": _LOCK_NAME, "seconds": LOCK_SECONDS}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), lock).scalar() != 1:
        raise Moved
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK_NAME})


def _use_wal(engine: Engine) -> None:
    """The file remembers it. While another process makes the same change SQLite refuses at once, without waiting."""
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection = engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL").close()
            finally:
                connection.close()
            return
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
            raise StoreUnavailable("the file of the session store cannot be opened", reason=f"sqlite {code}")
        time.sleep(0.02)
