"""A place in a session's past, as callers name it, and what is stored there."""

from typing import NamedTuple

from sessionful.domain.error import InvalidRequest, TurnNotFound
from sessionful.domain.identity import turn_number
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog


class Place(NamedTuple):
    """A turn, or a step of it, as a caller names it."""

    turn: int
    step: int | None

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """From `12`, `12.3` or a turn's id; None for anything else."""
        number = turn_number(text)
        fields = [str(number)] if number is not None else text.split(".")
        if len(fields) > 2 or not all(f.isascii() and f.isdigit() and len(f) <= 10 for f in fields):
            return None
        return cls(int(fields[0]), int(fields[1]) if len(fields) == 2 else None)


async def entry_at(log: SessionLog, session: Session, place: str) -> Entry:
    """The visible entry at a step, or the last of a turn. Raises TurnNotFound, and InvalidRequest for what is none."""
    asked = Place.read(place)
    if asked is None:
        raise InvalidRequest("'at' is a turn (12), a turn's step (12.3) or a turn's id", field="at", given=place[:80])
    if asked.step is None:
        after, before = Position(asked.turn, 0), Position(asked.turn + 1, 0)
    else:
        after, before = Position(asked.turn, asked.step - 1), Position(asked.turn, asked.step + 1)
    found = await log.read(session, 1, after, before, newest_first=True)
    if not found or (turn_number(place) is not None and found[0].turn_id != place):
        raise TurnNotFound("the session has no such turn or step", at=place[:80])
    return found[0]
