"""The SQL statements that are sent, as SQLAlchemy's own events tell them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, ExecutionContext, event
from sqlalchemy.engine.interfaces import DBAPICursor


class Statement(NamedTuple):
    text: str
    values: Any


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Every statement of this process, in order, as long as the block lasts."""
    sent: list[Statement] = []

    def record(
        connection: Connection, cursor: DBAPICursor, text: str, values: Any, context: ExecutionContext, many: bool
    ) -> None:
        sent.append(Statement(text, values[0] if many else values))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", record)
