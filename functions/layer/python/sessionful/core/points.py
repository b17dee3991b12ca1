"""Checkpoints, and going back to one, or to a turn or a step: messages and state move together."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sessionful.core.once import same_request
from sessionful.core.place import Place, entry_at
from sessionful.core.state import state_at
from sessionful.domain.error import (
    CheckpointExists,
    CheckpointNotFound,
    InvalidRequest,
    PayloadTooLarge,
    SessionBusy,
    SessionEnded,
    VersionConflict,
)
from sessionful.domain.identity import sortable_id
from sessionful.domain.lineage import cut, tip
from sessionful.domain.session import Checkpoint, Session, SessionChange, SessionKey
from sessionful.ports import SessionLog

MOST_CHECKPOINTS = 100
MOST_STATE = 500_000
"""Characters of JSON that the states of a session's checkpoints have together: each change of the head carries them."""

_TRIES = 12
_PAUSE = 0.01  # seconds, twice as long each time

T = TypeVar("T")


async def create_checkpoint(
    log: SessionLog, key: SessionKey, name: str | None, made_with: str | None, now: int
) -> Checkpoint:
    """Name the point where the session is now. It lies between turns: SessionBusy is raised while one runs or waits.

    The same name for the same point again gives the checkpoint that is there. Raises CheckpointExists,
    InvalidRequest, IdempotencyConflict, and VersionConflict when others never let the head rest.
    """
    name = _checked(name) if name is not None else None

    async def attempt(session: Session) -> Checkpoint:
        known = session.checkpoints
        made = next((point for point in known if same_request(made_with, point.made_with)), None)
        if made is not None:
            return made
        _check_free(session, now)
        point = _here(session, name or f"point_{sortable_id(now)}", made_with, now)
        taken = next((other for other in known if other.name == name), None)
        if taken is not None:
            if (taken.at, taken.past, taken.state) == (point.at, point.past, point.state):
                return taken
            raise CheckpointExists("another point has this name", name=taken.name, at=".".join(map(str, taken.at)))
        _check_room(session, point)
        await log.change(key, SessionChange(checkpoints=(*known, point)), session.version)
        return point

    return await _undisturbed(log, key, attempt)


async def rewind(log: SessionLog, key: SessionKey, to: str, now: int) -> Session:
    """Go to a checkpoint, or back to the end of a turn or step that is visible. What lies behind it is hidden; only a
    checkpoint that saw it brings it back.

    Raises SessionBusy while a turn runs or waits, SessionEnded, CheckpointNotFound, TurnNotFound and VersionConflict.
    """

    async def attempt(session: Session) -> Session:
        if session.ended_at is not None:
            raise SessionEnded("the session was ended", session_id=key.id, ended_at=session.ended_at)
        _check_free(session, now)
        named = next((point for point in session.checkpoints if point.name == to), None)
        if named is not None:
            return await log.rebase(key, named.past, named.message_count, named.state, session.version)
        if Place.read(to) is None:
            raise CheckpointNotFound("the session has no such checkpoint", checkpoint=to[:128])
        entry = await entry_at(log, session, to)
        past, state = cut(session, entry.position), await state_at(log, session, entry)
        return await log.rebase(key, past, entry.message_count, state, session.version)

    return await _undisturbed(log, key, attempt)


async def _undisturbed(log: SessionLog, key: SessionKey, attempt: Callable[[Session], Awaitable[T]]) -> T:
    """What is computed from the head and then written holds only if the head is still that one: else once more."""
    for tries in range(_TRIES - 1):
        try:
            return await attempt(await log.get(key))
        except VersionConflict:
            await asyncio.sleep(random.uniform(0, min(_PAUSE * 2**tries, 0.5)))
    return await attempt(await log.get(key))


def _here(session: Session, name: str, made_with: str | None, now: int) -> Checkpoint:
    at = tip(session)
    return Checkpoint(
        name=name,
        made_at=now,
        at=at,
        past=cut(session, at),
        message_count=session.message_count,
        state=session.state,
        made_with=made_with,
    )


def _check_free(session: Session, now: int) -> None:
    running = session.running
    if running is not None or session.queued:
        raise SessionBusy(
            "a turn runs or waits: points lie between turns",
            session_id=session.key.id,
            turn_id=running.turn_id if running else None,
            lease_expired=running is not None and running.lease_until <= now,
        )


def _check_room(session: Session, point: Checkpoint) -> None:
    if len(session.checkpoints) >= MOST_CHECKPOINTS:
        raise InvalidRequest(f"a session has at most {MOST_CHECKPOINTS} checkpoints", limit=MOST_CHECKPOINTS)
    size = sum(len(json.dumps(each.state)) for each in (*session.checkpoints, point))
    if size > MOST_STATE:
        raise PayloadTooLarge("the states of the checkpoints are too large together", limit=MOST_STATE, size=size)


def _checked(name: str) -> str:
    if not 1 <= len(name) <= 128 or not name.isprintable():
        raise InvalidRequest("a checkpoint's name is 1 to 128 printable characters", field="name", given=name[:80])
    if Place.read(name) is not None:
        raise InvalidRequest("this name reads as a turn or a step", field="name", given=name)
    return name
