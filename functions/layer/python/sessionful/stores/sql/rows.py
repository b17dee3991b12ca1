"""Heads and entries as rows, and rows as heads and entries."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy import Row

from sessionful.domain.error import InvalidRequest, PayloadTooLarge
from sessionful.domain.message import Value
from sessionful.domain.session import Position, RunningTurn, Session
from sessionful.domain.turn import Entry
from sessionful.domain.usage import Usage

Columns = dict[str, Any]
AnyRow = Row[*tuple[Any, ...]]

_ENTRIES: TypeAdapter[list[Entry]] = TypeAdapter(list[Entry], config=ConfigDict(defer_build=True))
_MOVING = {"version", "epoch", "turns", "queued", "last", "message_count", "usage", "running"}

PROFILE_BYTES = 8_000_000
"""Settings are one value, with every byte escaped still within the 16 MB that MySQL takes by default."""

IDLE: Columns = {
    "running_turn": None,
    "attempt": None,
    "lease_until": None,
    "cancel_asked": None,
    "released": None,
    "taken_by": None,
    "told": None,
    "flushed": None,
    "running_pieces": 0,
    "running": None,
}
"""The columns of a running turn, when none runs."""


def digest(*names: str | None) -> str:
    """The same for the same names only: JSON keeps them apart whatever is in them."""
    return hashlib.sha256(json.dumps(names).encode("ascii")).hexdigest()


def shelf(owner: str, agent: str) -> str:
    """Where the owner's sessions with this agent are listed."""
    return digest(owner, agent)


def written(value: Value, exclude: set[str] | None = None) -> str:
    """The value as JSON. Raises InvalidRequest for what JSON or Unicode cannot say, such as half a surrogate pair."""
    try:
        return value.model_dump_json(exclude=exclude)
    except PydanticSerializationError:
        kind = type(value).__name__.lower()
        raise InvalidRequest(f"the {kind} holds text that is not valid Unicode, or a value that JSON lacks") from None


def new_head(session: Session) -> Columns:
    """All columns of a session that is not running."""
    key = session.key
    return {
        "session": digest(*key),
        "shelf": shelf(key.owner, key.agent),
        "owner": label(key.owner),
        "agent": label(key.agent),
        "id": label(key.id),
        "log": session.log,
        **IDLE,
        **counters(session),
        **profile(session),
    }


def counters(session: Session) -> Columns:
    """What a turn moves, besides the columns of the running turn."""
    return {
        "version": session.version,
        "epoch": session.epoch,
        "turns": session.turns,
        "queued": session.queued,
        "last_turn": session.last.turn,
        "last_step": session.last.step,
        "message_count": session.message_count,
        "token_usage": session.usage.model_dump_json(),
        "updated_at": session.updated_at,
        "expires_at": session.expires_at,
    }


def profile(session: Session) -> Columns:
    """What no step moves. Raises PayloadTooLarge when metadata, state and the rest outgrow one value."""
    document = written(session, exclude=_MOVING)
    size = len(document.encode())
    if size > PROFILE_BYTES:
        raise PayloadTooLarge("the session's settings are too large", size=size, limit=PROFILE_BYTES)
    return {"profile": document}


def held(turn: RunningTurn, call: str) -> Columns:
    """The columns of a lease that this call has just given out."""
    return {
        "attempt": turn.attempt,
        "lease_until": turn.lease_until,
        "cancel_asked": turn.cancel_asked,
        "released": turn.released,
        "taken_by": call,
        "told": 0,
    }


def running(turn: RunningTurn, call: str, inline: str, pieces: int) -> Columns:
    """The columns of a turn that begins, whose JSON is `inline` and goes on in `pieces` pieces."""
    return {
        **held(turn, call),
        "running_turn": turn.number,
        "flushed": 0,
        "running_pieces": pieces,
        "running": inline,
    }


def read_head(row: AnyRow, running_json: str | None) -> Session:
    moving = {
        "version": row.version,
        "epoch": row.epoch,
        "turns": row.turns,
        "queued": row.queued,
        "last": Position(row.last_turn, row.last_step),
        "message_count": row.message_count,
        "usage": Usage.model_validate_json(row.token_usage),
        "updated_at": row.updated_at,
        "running": None if running_json is None else _read_running(row, running_json),
    }
    session = Session.model_validate_json(row.profile)
    if "state_moved" not in session.model_fields_set:  # written by a release whose entries do not hold the state
        moving["state_moved"] = bool(session.state)
    return session.model_copy(update=moving)


def _read_running(row: AnyRow, running_json: str) -> RunningTurn:
    lease = {
        "attempt": row.attempt,
        "lease_until": row.lease_until,
        "cancel_asked": row.cancel_asked,
        "released": bool(row.released),
    }
    return RunningTurn.model_validate_json(running_json).model_copy(update=lease)


def read_entries(payloads: Sequence[str]) -> list[Entry]:
    return _ENTRIES.validate_json(f"[{','.join(payloads)}]")


def label(name: str) -> str:
    """A name for the eyes: the same for the same names, and now and then for two."""
    # PostgreSQL takes no NUL and nobody takes half a surrogate pair; a label need not be exact.
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
