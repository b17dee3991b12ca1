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


class HistoryPage(NamedTuple):
    messages: list[HistoryMessage]
    next_cursor: str | None


async def page(log: SessionLog, session: Session, limit: int, before: str | None, after: str | None) -> HistoryPage:
    """Oldest first. `next_cursor` goes on in the direction asked for: as `after`, or as `before` if that was given."""
    if before is not None and after is not None:
        raise InvalidRequest("give 'before' or 'after', not both", field="before")
    if before is not None:
        return await _backwards(log, session, limit, *_place(before, "before"))
    position, index = _place(after, "after") if after is not None else (Position(0, 0), -1)
    entries = await log.read(session, limit + 1, after=Position(position.turn, position.step - 1))
    found = [m for e in entries for m in _messages(e) if _order(m.id) > (*position, index)]
    found += _running(session, (*position, index), {e.position.turn for e in entries}, len(entries) <= limit)
    return _cut(found, limit)


async def _backwards(log: SessionLog, session: Session, limit: int, position: Position, index: int) -> HistoryPage:
    until = Position(position.turn, position.step + 1)
    entries = await log.read(session, limit + 1, before=until, newest_first=True)
    found = [m for e in reversed(entries) for m in _messages(e) if _order(m.id) < (*position, index)]
    kept = found[-limit:]
    return HistoryPage(kept, kept[0].id if len(found) > limit and kept else None)


def _cut(found: list[HistoryMessage], limit: int) -> HistoryPage:
    kept = found[:limit]
    return HistoryPage(kept, kept[-1].id if len(found) > limit else None)


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


def _running(
    session: Session, after: tuple[int, int, int], stored_turns: set[int], at_end: bool
) -> Sequence[HistoryMessage]:
    """The user's message of a running turn, before its first step is stored."""
    running = session.running
    if running is None or not at_end or running.number in stored_turns or session.last.turn == running.number:
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


def _place(cursor: str, field: str) -> tuple[Position, int]:
    fields = cursor.split(".")
    if len(fields) != 3 or not all(f.isascii() and f.isdigit() and len(f) <= 12 for f in fields):
        raise InvalidRequest("a place in the history looks like 3.1.0", field=field, given=cursor[:80])
    turn, step, index = map(int, fields)
    return Position(turn, step), index


def _order(message_id: str) -> tuple[int, int, int]:
    turn, step, index = map(int, message_id.split("."))
    return turn, step, index
