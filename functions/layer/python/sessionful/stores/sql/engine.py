"""Engines as each database needs them: how a connection starts, how a transaction starts, how long to wait.

SQLite: the driver's own transaction control is switched off and BEGIN is written here, as SQLAlchemy's documentation
of the dialect advises for every Python version. A transaction that will write says BEGIN IMMEDIATE: one that begins
with reading cannot wait for the lock later, it fails. The journal is a WAL with synchronous=NORMAL: what was committed
lies in the operating system's hands before the caller hears of it, so a killed process takes nothing with it; a loss of
power may take the last commits, never the consistency of the file.

PostgreSQL and MySQL: READ COMMITTED. Every write locks the session's row first and reads on afterwards, so a statement
has to see what the holder before it has committed; and InnoDB's gap locks would only add deadlocks.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from sessionful.domain.error import ConfigError

LOCK_SECONDS = 5
"""How long the database waits for another's lock before it refuses."""

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 60
_RECYCLE_SECONDS = 1800
_PATIENCE: dict[str, dict[str, int]] = {
    "sqlite": {"timeout": LOCK_SECONDS},
    "postgresql": {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _ANSWER_SECONDS * 1000},
    "mysql": {
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": _ANSWER_SECONDS,
        "write_timeout": _ANSWER_SECONDS,
    },
}
"""Arguments of the drivers that bound every wait; the address may say otherwise (`?timeout=1`)."""

_EXTRAS = {"postgresql": "postgres", "mysql": "mysql"}
_BEGIN = "sessionful_begin"


def open_engine(address: URL, connections: int) -> Engine:
    """An engine that keeps up to `connections` connections. Raises ConfigError when its driver is not installed."""
    kind = address.get_backend_name()
    patience = {name: value for name, value in _PATIENCE[kind].items() if name not in address.query}
    try:
        engine = create_engine(address, **_options(kind, connections), connect_args=patience)
    except ModuleNotFoundError:
        extra = _EXTRAS.get(kind, "sql")
        raise ConfigError(f"this database needs a driver: pip install 'sessionful[{extra}]'", extra=extra) from None
    prepare = {"sqlite": _prepare_sqlite, "postgresql": _prepare_postgresql, "mysql": _prepare_mysql}[kind]
    event.listen(engine, "connect", prepare)
    if kind == "sqlite":
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same connections, with transactions that take the write lock first where a database has one lock for all."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def _options(kind: str, connections: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": connections,
        "max_overflow": 0,
        "pool_recycle": _RECYCLE_SECONDS,
        "pool_reset_on_return": None,  # each transaction ends where it began; one more ROLLBACK would be for nothing
    }
    if kind != "sqlite":
        options["isolation_level"] = "READ COMMITTED"
    if kind == "postgresql":
        options["use_native_hstore"] = False
    return options


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    _say(connection, "PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=ON")


def _prepare_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _say(connection, f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.commit()


def _prepare_mysql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _say(connection, f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}")


def _say(connection: DBAPIConnection, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
