"""Sessions and memories in a SQL database: SQLite by default; PostgreSQL, MySQL and MariaDB."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sessionful.domain.error import ConfigError

if TYPE_CHECKING:
    from sessionful.stores.sql.bank import SqlBank
    from sessionful.stores.sql.log import SqlLog

__all__ = ["SqlBank", "SqlLog"]

_HOMES = {"SqlBank": "sessionful.stores.sql.bank", "SqlLog": "sessionful.stores.sql.log"}


def __getattr__(name: str) -> Any:
    # SQLAlchemy is an extra: whoever lacks it is told so when a store is asked for, and not before.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as missing:
        if missing.name != "sqlalchemy":
            raise
        raise ConfigError("SQL stores need SQLAlchemy: pip install 'sessionful[sql]'", extra="sql") from None
