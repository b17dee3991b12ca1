"""What somebody wants to be told of a turn, as a value that can be kept and handed to another process."""

from typing import Literal, NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.event import Cursor
from sessionful.domain.message import Value


class Place(NamedTuple):
    """Behind `cursor`, and behind the first `skip` characters of what is told there: a long text needs several frames
    where the log has one place."""

    cursor: Cursor | None
    skip: int

    @classmethod
    def parse(cls, text: str | None) -> "Place":
        """A frame's `id`: a cursor, or a cursor with `+` and a number. Raises InvalidRequest."""
        if not text:
            return cls(None, 0)
        cursor, plus, skip = text.partition("+")
        if plus and not (skip.isascii() and skip.isdigit() and len(skip) <= 12):
            raise InvalidRequest("'after' is the id of a frame, like 3.1.117", field="after", given=text[:80])
        return cls(Cursor.parse(cursor), int(skip or 0))


class Subscription(Value):
    """`agent` is that of the connection's address (None: found by the session). Without `turn_id` it is the turn that
    `after` is in, or the one that runs, or the next. `tag` is the id by which the client knows its task."""

    owner: str
    agent: str | None
    session_id: str
    turn_id: str | None = None
    form: Literal["chunks", "task"] = "chunks"
    tag: str | None = None
    after: str | None = None
    debug: bool = False
