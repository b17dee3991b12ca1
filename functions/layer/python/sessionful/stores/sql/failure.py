"""What a database's refusal means: whether another try may help, and what the caller is told.

Nothing that the driver says is passed on: its texts hold statements, values, hosts and users.
"""

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sessionful.domain.error import AgentError, PayloadTooLarge, StoreUnavailable

# SQLite's result codes, PostgreSQL's SQLSTATEs and MySQL's and MariaDB's error numbers, as they document them.
_PASSING = {
    "sqlite 5",  # BUSY
    "sqlite 6",  # LOCKED
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available
    "53300",  # too_many_connections
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now
    "1020",  # ER_CHECKREAD, how MariaDB's snapshots refuse
    "1040",  # ER_CON_COUNT_ERROR
    "1053",  # ER_SERVER_SHUTDOWN
    "1205",  # ER_LOCK_WAIT_TIMEOUT
    "1213",  # ER_LOCK_DEADLOCK
    "2002",  # CR_CONNECTION_ERROR
    "2003",  # CR_CONN_HOST_ERROR
}
_TOO_LARGE = {
    "sqlite 18",  # TOOBIG
    "54000",  # program_limit_exceeded
    "1153",  # ER_NET_PACKET_TOO_LARGE
}
_LOGIN_REFUSED = {
    "28000",  # invalid_authorization_specification
    "28P01",  # invalid_password
    "3D000",  # invalid_catalog_name
    "1044",  # ER_DBACCESS_DENIED_ERROR
    "1045",  # ER_ACCESS_DENIED_ERROR
    "1049",  # ER_BAD_DB_ERROR
}


class Moved(Exception):
    """What was read has moved on before it could be used; the transaction is made again from its start."""


class Failure(NamedTuple):
    """`passing`: worth another try. `uncertain`: the answer was lost, the work may have been done all the same."""

    error: AgentError
    passing: bool = False
    uncertain: bool = False


def read_failure(error: DBAPIError | PoolTimeout | Moved) -> Failure:
    """Reads a refusal of the database."""
    if not isinstance(error, DBAPIError):
        return Failure(StoreUnavailable("the session store is too busy"), passing=True)
    code = _code(error)
    if code in _TOO_LARGE:
        return Failure(PayloadTooLarge("the session store refuses anything this large"))
    if code in _LOGIN_REFUSED:
        return Failure(_unavailable("the session store refuses the login, or has no such database", code))
    if error.connection_invalidated:
        return Failure(_unavailable("the session store went away", code), passing=True, uncertain=True)
    if isinstance(error, IntegrityError):  # two made the same row at once: the next try sees the other's
        return Failure(_unavailable("the session store refuses the write", code), passing=True)
    if code in _PASSING:
        return Failure(_unavailable("the session store is too busy or cannot be reached", code), passing=True)
    if code is None and isinstance(error, OperationalError):  # psycopg gives no SQLSTATE when it cannot connect
        message = "the session store cannot be reached, refuses the login, or has no such database"
        return Failure(_unavailable(message, code), passing=True)
    return Failure(_unavailable("the session store refuses the request", code))


def _unavailable(message: str, code: str | None) -> StoreUnavailable:
    return StoreUnavailable(message) if code is None else StoreUnavailable(message, reason=code)


def _code(error: DBAPIError) -> str | None:
    cause = error.orig
    first = cause.args[0] if cause is not None and cause.args else None
    sqlite = getattr(cause, "sqlite_errorcode", None)
    if isinstance(sqlite, int):
        return f"sqlite {sqlite & 0xFF}"
    if isinstance(first, int):  # PyMySQL; its SQLSTATE says less than its number
        return str(first)
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else None
