"""Where the database is: the address as people write it, and the driver that speaks to it."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from sessionful.domain.error import ConfigError

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE"


def read_address(url: str) -> URL:
    """The address with its driver named. Raises ConfigError, which never repeats the address: it may hold a password.

    `postgres://`, `postgresql://`, `mysql://` and `mariadb://` stand for the driver that an extra of sessionful brings.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"the address of the database cannot be read; write {_FORMS}") from None
    backend, _, driver = parsed.drivername.partition("+")
    wanted = _DRIVERS.get(backend)
    if wanted is None or driver not in ("", wanted.partition("+")[2], "pysqlite" if backend == "sqlite" else ""):
        raise ConfigError(f"{parsed.drivername!r} is not a database driver for sessions; write {_FORMS}")
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise ConfigError("SQLite needs a file: write sqlite:///FILE, or use the in-memory store")
    return parsed.set(drivername=wanted)


def make_folder(address: URL) -> None:
    """Creates the folder that the SQLite file lies in. Raises ConfigError when that cannot be done."""
    if address.drivername != "sqlite" or address.database is None or address.database.startswith("file:"):
        return
    folder = Path(address.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {str(folder)!r} cannot be made: {error.strerror}") from None
