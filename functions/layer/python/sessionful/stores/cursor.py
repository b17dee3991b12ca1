"""The cursor of a list: the place of the last one told. Of sessions, newest activity first."""

import base64
import binascii
import json
from typing import Any, NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Session


class ListPlace(NamedTuple):
    """Sorts sessions as lists tell them: newest activity first, then by agent and id."""

    idle_since: int
    agent: str
    id: str


def list_place(session: Session) -> ListPlace:
    return ListPlace(-session.updated_at, session.key.agent, session.key.id)


def write_cursor(place: ListPlace) -> str:
    return encoded(list(place))


def read_cursor(cursor: str) -> ListPlace:
    """Raises InvalidRequest for what `write_cursor` did not write."""
    match decoded(cursor):
        case [int(idle_since), str(agent), str(session_id)]:
            return ListPlace(idle_since, agent, session_id)
    raise InvalidRequest("the cursor is not one that this list gave", field="cursor", given=cursor[:80])


def encoded(place: list[int | str]) -> str:
    """A place of a list, as its readers carry it."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decoded(cursor: str) -> Any:
    """What was encoded, or None for what is no cursor at all."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        return None
