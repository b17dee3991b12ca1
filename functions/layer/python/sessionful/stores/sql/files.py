"""Entries too large for a row of SQLite, as files of a folder beside the database.

A file is written inside the transaction that stores its entry, while nobody else can write: before the row that points
at it, and unseen until then. What a transaction has put is taken back when it fails; what a killed process leaves goes
with its log. Which logs' files are to be erased is noted in the transaction that erases the logs, done after it, and
done again by whoever opens the database next.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, Connection, bindparam, delete, insert, select

from sessionful.domain.error import AgentError, StoreUnavailable
from sessionful.stores.objects import Files
from sessionful.stores.sql.rows import digest
from sessionful.stores.sql.schema import ERASED

LARGE = 1_000_000
"""Bytes of an entry; a larger one becomes a file."""

_SAFE = re.compile(r"[0-9a-z]{1,64}")  # capitals are no other name to some file systems
_NOTE = insert(ERASED).prefix_with("OR IGNORE")
_NOTED = select(ERASED.c.log)
_DONE = delete(ERASED).where(ERASED.c.log.in_(bindparam("of_logs", expanding=True)))


def folder_beside(address: URL) -> Files | None:
    """None where the database is no file, or a file that only its driver knows how to find."""
    if address.drivername != "sqlite" or address.database is None or address.database.startswith("file:"):
        return None
    file = Path(address.database).absolute()
    return Files(file.with_name(f"{file.name}.objects"))


@dataclass
class Beside:
    """The files of one transaction. `gone` are the logs whose files go with it."""

    files: Files | None
    gone: list[str] = field(default_factory=list)
    _put: list[str] = field(default_factory=list)

    def takes(self, size: int) -> bool:
        return self.files is not None and size > LARGE

    def put(self, log: str, text: str) -> str:
        """The name to read it by."""
        assert self.files is not None
        name = f"{_folder(log)}/{secrets.token_hex(12)}"
        self._put.append(name)
        self.files.put(name, text.encode())
        return name

    def get(self, name: str) -> str | None:
        """None when it is gone, and its log with it. Raises StoreUnavailable when nobody knows where it is."""
        if self.files is None:
            raise StoreUnavailable("a large entry lies in a folder that is not beside this database")
        content = self.files.get(name)
        return None if content is None else content.decode()

    def note(self, connection: Connection, logs: Sequence[str]) -> None:
        """These logs are erased: so are their files, after the transaction."""
        if logs:
            connection.execute(_NOTE, [{"log": log} for log in logs])
            self.gone.extend(logs)

    def known(self, logs: Sequence[str]) -> list[str]:
        """Those of the logs that may have files."""
        return [log for log in logs if self.files is not None and self.files.knows(_folder(log))]

    @contextlib.contextmanager
    def taking_back(self) -> Iterator[None]:
        """Around a transaction's work, but not its commit: when that fails, nobody knows whether it was done."""
        try:
            yield
        except BaseException:
            for name in self._put:
                with contextlib.suppress(AgentError):
                    assert self.files is not None
                    self.files.drop(name)
            raise


def noted(connection: Connection) -> list[str]:
    """The logs whose files are still to be erased."""
    return list(connection.execute(_NOTED).scalars())


def erase(files: Files, logs: Sequence[str]) -> None:
    for log in logs:
        files.erase(f"{_folder(log)}/")


def forget(connection: Connection, logs: Sequence[str]) -> None:
    connection.execute(_DONE, {"of_logs": list(logs)})


def _folder(log: str) -> str:
    return log if _SAFE.fullmatch(log) else digest(log)
