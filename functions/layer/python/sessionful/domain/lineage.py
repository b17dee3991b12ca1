"""The arithmetic of a shared past: which stretch of which log a session sees, and what a fork takes along.

A session sees `past`, oldest segment first, then its own entries with turn > `own_after`. Everything here is
computed from heads alone, so a store needs no request to know where to read.
"""

from typing import NamedTuple

from sessionful.domain.session import Parent, Position, Segment, Session
from sessionful.domain.usage import Usage

LAST_NUMBER = 2**31 - 1
"""Higher than any turn or step number; fits a 32-bit column and ten digits of a sort key."""

START = Position(0, 0)
END = Position(LAST_NUMBER, LAST_NUMBER)


class Stretch(NamedTuple):
    """The entries of `log` with low < position <= high."""

    log: str
    low: Position
    high: Position


def visible(session: Session) -> tuple[Segment, ...]:
    """All that the session sees, oldest first; its own log comes last and has no upper end."""
    return (*session.past, Segment(log=session.log, after_turn=session.own_after, upto=END))


def stretches(session: Session, after: Position | None = None, before: Position | None = None) -> list[Stretch]:
    """What lies strictly between two positions of the visible past, oldest first, empty stretches left out."""
    found = []
    for segment in visible(session):
        low, high = Position(segment.after_turn, LAST_NUMBER), segment.upto
        if after is not None:
            low = max(low, after)
        if before is not None:
            high = min(high, _just_before(before))
        if low < high:
            found.append(Stretch(segment.log, low, high))
    return found


def _just_before(place: Position) -> Position:
    # Steps count from 1, so nothing lies between the end of one turn and (next, 1).
    return Position(place.turn, place.step - 1) if place.step > 1 else Position(place.turn - 1, LAST_NUMBER)


def turn_stretches(session: Session, number: int) -> list[Stretch]:
    """Where the entries of one turn lie: one stretch at most, as turn numbers never clash."""
    return stretches(session, after=Position(number, 0), before=Position(number + 1, 0))


def tip(session: Session) -> Position:
    """The place of the last visible entry; (0, 0) when there is none."""
    if session.last.turn > session.own_after:
        return session.last
    return session.past[-1].upto if session.past else START


def log_at(session: Session, at: Position) -> str | None:
    """The log that holds the visible entry at `at`, if there is one; None when no stretch covers the place."""
    for segment in visible(session):
        if segment.after_turn < at.turn and at <= segment.upto:
            return segment.log
    return None


def cut(session: Session, at: Position) -> tuple[Segment, ...]:
    """The visible past up to and including `at`, as the segments that a fork (or a rewind) is given."""
    kept = []
    for segment in visible(session):
        upto = min(segment.upto, at)
        if segment.after_turn < upto.turn:
            kept.append(segment if upto == segment.upto else segment.model_copy(update={"upto": upto}))
    return tuple(kept)


def forked(source: Session, at: Position, child: Session, message_count: int, usage: Usage) -> Session:
    """The head of a fork at `at`, a place of the source's visible past (or (0, 0) for an empty one).

    `message_count` and `usage` are the source's up to there; the rest of `child` stays as its maker said.
    """
    return child.model_copy(
        update={
            "past": cut(source, at),
            "parent": Parent(session_id=source.key.id, at=at),
            "turns": at.turn,
            "own_after": at.turn,
            "last": at,
            "message_count": message_count,
            "usage": usage,
        }
    )


def shared_logs(session: Session) -> set[str]:
    """The logs of others that the session's past lies in: they must outlive their own sessions."""
    return {segment.log for segment in session.past} - {session.log}
