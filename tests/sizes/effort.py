"""How much SQLite works: the instructions of its virtual machine, which go with the rows that are looked at."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

_GRAIN = 10


@dataclass
class Effort:
    instructions: int = 0

    def reset(self) -> None:
        self.instructions = 0


@contextmanager
def effort() -> Iterator[Effort]:
    """Of every connection that is made in this block."""
    counted = Effort()

    def count() -> int:
        counted.instructions += _GRAIN
        return 0

    def watch(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.set_progress_handler(count, _GRAIN)

    event.listen(Engine, "connect", watch)
    try:
        yield counted
    finally:
        event.remove(Engine, "connect", watch)
