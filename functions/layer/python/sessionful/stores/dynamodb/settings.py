"""What turns never change of a session, as the JSON text of the head's `d`: title, system, metadata, state, past and
so on, and where the logs of others lie that it sees."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sessionful.domain.session import Checkpoint, Parent, Position, Segment, Session
from sessionful.stores.dynamodb.entries import write_json

_PLAIN = ("title", "system", "work_dir", "metadata", "state", "sharing", "timeout", "max_duration", "made_with")


class Settings(NamedTuple):
    """`fields` are those of a Session that the text tells of; `where` and `held` are the Head's."""

    fields: dict[str, Any]
    where: Mapping[str, str]
    held: str | None


def write_settings(session: Session, where: Mapping[str, str], held: str | None) -> str:
    """Empty when there is nothing to say."""
    fields: dict[str, Any] = {
        "title": session.title,
        "system": session.system,
        "work_dir": session.work_dir,
        "metadata": session.metadata or None,
        "state": session.state or None,
        "sharing": session.sharing or None,
        "timeout": _odd(session.timeout),
        "max_duration": _odd(session.max_duration),
        "made_with": session.made_with,
        "parent": None if session.parent is None else [session.parent.session_id, *session.parent.at],
        "past": [[one.log, one.after_turn, *one.upto] for one in session.past] or None,
        "checkpoints": [point.model_dump(exclude_defaults=True) for point in session.checkpoints] or None,
        "where": dict(where) or None,
        "held": held,
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return write_json(kept) if kept else ""


def read_settings(text: str) -> Settings:
    said: dict[str, Any] = json.loads(text) if text else {}
    fields = {name: said[name] for name in _PLAIN if name in said}
    if parent := said.get("parent"):
        fields["parent"] = Parent(session_id=parent[0], at=Position(*parent[1:]))
    fields["past"] = tuple(
        Segment(log=log, after_turn=after, upto=Position(*upto)) for log, after, *upto in said.get("past", [])
    )
    fields["checkpoints"] = tuple(Checkpoint.model_validate(point) for point in said.get("checkpoints", []))
    return Settings(fields, said.get("where", {}), said.get("held"))


def _odd(seconds: float | None) -> float | None:
    """A time that whole milliseconds do not tell: the head has the others."""
    return None if seconds is None or int(seconds * 1000) / 1000 == seconds else seconds
