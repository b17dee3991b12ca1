"""A session's state as it was at a place of its past."""

from typing import Any

from sessionful.domain.lineage import LAST_NUMBER, log_at
from sessionful.domain.session import Position, Segment, Session
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog


async def state_at(log: SessionLog, session: Session, entry: Entry) -> dict[str, Any]:
    """Only a turn's last entry says it: the state itself, or where it was stored last, which may be hidden by now. A
    step within a turn has the state of the turn before."""
    if entry.ending is None:
        before = await log.read(session, 1, before=Position(entry.position.turn, 1), newest_first=True)
        return await state_at(log, session, before[0]) if before else {}
    if entry.state is not None:
        return entry.state
    home = log_at(session, entry.position)
    if entry.state_at is None or home is None:
        return {}
    place = entry.state_at
    whole_log = {"past": (Segment(log=home, upto=place),), "own_after": LAST_NUMBER}
    found = await log.read(session.model_copy(update=whole_log), 1, after=Position(place.turn, place.step - 1))
    return (found[0].state or {}) if found else {}
