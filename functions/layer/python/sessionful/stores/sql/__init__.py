"""Sessions in a SQL database: SQLite by default; PostgreSQL, MySQL and MariaDB."""

from typing import TYPE_CHECKING, Any

from sessionful.domain.error import ConfigError

if TYPE_CHECKING:
    from sessionful.stores.sql.log import SqlLog

__all__ = ["SqlLog"]


def __getattr__(name: str) -> Any:
    # SQLAlchemy is an extra: whoever lacks it is told so when a SqlLog is asked for, and not before.
    if name != "SqlLog":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from sessionful.stores.sql.log import SqlLog
    except ModuleNotFoundError as missing:
        if missing.name != "sqlalchemy":
            raise
        raise ConfigError("SQL stores need SQLAlchemy: pip install 'sessionful[sql]'", extra="sql") from None
    return SqlLog
