"""A session's history as callers page through it."""

from collections.abc import Sequence
from typing import NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Part, Role, Value
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry, TurnStatus
from sessionful.domain.usage import Usage
from sessionful.ports import SessionLog


class HistoryMessage(Value):
    """`id` is `turn.step.index`, unique in its session. `status` is the turn's; `torn` marks a reply that broke off."""

    id: str
    role: Role
    parts: tuple[Part, ...]
    text: str
    turn_id: str
    step: int
    agent: str
    at: int
    usage: Usage | None = None
    status: TurnStatus
    torn: bool = False


Place = tuple[int, int, int]
"""Turn, step and index of a message."""


class HistoryPage(NamedTuple):
    messages: list[HistoryMessage]
    next_cursor: str | None


async def page(log: SessionLog, session: Session, limit: int, before: str | None, after: str | None) -> HistoryPage:
    """Oldest first. `next_cursor` goes on in the direction asked for: as `after`, or as `before` if that was given."""
    if before is not None and after is not None:
        raise InvalidRequest("give 'before' or 'after', not both", field="before")
    if before is not None:
        return await _backwards(log, session, limit, _place(before, "before"))
    return await _forwards(log, session, limit, _place(after, "after") if after is not None else (0, 0, -1))


async def _forwards(log: SessionLog, session: Session, limit: int, place: Place) -> HistoryPage:
    found, turns = list[HistoryMessage](), set[int]()
    position = Position(place[0], place[1] - 1)  # the entry the place lies in may hold more
    while len(found) <= limit:
        entries = await log.read(session, limit + 2, after=position)
        found += [m for entry in entries for m in _messages(entry) if _order(m.id) > place]
        turns |= {entry.position.turn for entry in entries}
        if len(entries) < limit + 2:
            found += _running(session, place, turns)
            break
        position = entries[-1].position
    kept = found[:limit]
    return HistoryPage(kept, kept[-1].id if len(found) > limit else None)


async def _backwards(log: SessionLog, session: Session, limit: int, place: Place) -> HistoryPage:
    running = session.running
    found = list(_running(session, (0, 0, -1), set())) if running and (running.number, 1, 0) < place else []
    position = Position(place[0], place[1] + 1)
    while len(found) <= limit:
        entries = await log.read(session, limit + 2, before=position, newest_first=True)
        earlier = [m for entry in reversed(entries) for m in _messages(entry) if _order(m.id) < place]
        found = earlier + found
        if len(entries) < limit + 2:
            break
        position = entries[-1].position
    kept = found[-limit:]
    return HistoryPage(kept, kept[0].id if len(found) > limit else None)


def _messages(entry: Entry) -> list[HistoryMessage]:
    status: TurnStatus = entry.ending.status if entry.ending else "completed"
    return [
        HistoryMessage(
            id=f"{entry.position.turn}.{entry.position.step}.{index}",
            role=message.role,
            parts=message.parts,
            text=message.text,
            turn_id=entry.turn_id,
            step=entry.position.step,
            agent=entry.agent,
            at=entry.started_at if message.role == "user" else entry.at,
            usage=entry.usage if message is entry.reply else None,
            status=status,
            torn=entry.torn and message is entry.reply,
        )
        for index, message in enumerate(entry.messages)
        if message.parts
    ]


def _running(session: Session, after: Place, stored_turns: set[int]) -> Sequence[HistoryMessage]:
    """The user's message of a running turn, before its first step is stored."""
    running = session.running
    if running is None or running.number in stored_turns or session.last.turn == running.number:
        return ()
    if (running.number, 1, 0) <= after:
        return ()
    return (
        HistoryMessage(
            id=f"{running.number}.1.0",
            role=running.message.role,
            parts=running.message.parts,
            text=running.message.text,
            turn_id=running.turn_id,
            step=1,
            agent=running.agent,
            at=running.started_at,
            status="running",
        ),
    )


def _place(cursor: str, field: str) -> Place:
    fields = cursor.split(".")
    if len(fields) != 3 or not all(f.isascii() and f.isdigit() and len(f) <= 12 for f in fields):
        raise InvalidRequest("a place in the history looks like 3.1.0", field=field, given=cursor[:80])
    return _order(cursor)


def _order(message_id: str) -> Place:
    turn, step, index = map(int, message_id.split("."))
    return turn, step, index
