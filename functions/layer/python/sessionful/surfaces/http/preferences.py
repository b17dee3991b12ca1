"""What a request asks for besides its body: how long to wait (RFC 7240), and that it be run only once."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import Header

from sessionful.core.deadline import seconds_left
from sessionful.core.once import digest, made_with
from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message
from sessionful.surfaces.http.body import one_of

PreferHeader = Annotated[
    str | None, Header(alias="Prefer", description="`wait=N` (seconds) and `respond-async` (RFC 7240).")
]
KeyHeader = Annotated[
    str | None, Header(alias="Idempotency-Key", description="The same key and body never do a thing twice.")
]


class Patience(NamedTuple):
    """Seconds to wait for a turn's end (None: until it comes), and what of `Prefer` was honoured."""

    seconds: float | None
    applied: str | None

    @property
    def worker_in(self) -> float | None:
        """Nobody waits for the answer: a worker may carry the turn, at once."""
        return 0.0 if self.applied == "respond-async" else None

    @property
    def headers(self) -> dict[str, str]:
        return {"Preference-Applied": self.applied} if self.applied else {}


def patience(prefer: str | None, limit: float | None) -> Patience:
    """Never beyond the process's own deadline. Unknown preferences, and a `wait` that is no number, are ignored, as
    RFC 7240 asks."""
    limit = min((one for one in (limit, seconds_left()) if one is not None), default=None)
    asked: dict[str, str] = {}
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        asked.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = asked.get("wait", "")
    if wait.isascii() and wait.isdigit() and len(wait) < 10:
        seconds, applied = float(wait), f"wait={int(wait)}"
        return Patience(seconds if limit is None else min(seconds, limit), applied)
    return Patience(0.0, "respond-async") if "respond-async" in asked else Patience(limit, None)


def idempotency_key(header: str | None, *named: str | None) -> str | None:
    """Raises InvalidRequest when header and body name different keys, or one that is no printable text."""
    key: str | None = one_of("request_id", header, *named)
    if key is not None and not (1 <= len(key) <= 256 and key.isprintable()):
        raise InvalidRequest("an idempotency key is 1 to 256 printable characters", field="Idempotency-Key")
    return key


def request_hash(message: Message, speaker: str | None, options: Mapping[str, Any] | None) -> str:
    """Of what the request means, however it was spelt."""
    meaning = {"message": message.model_dump(mode="json"), "agent": speaker, "options": options or {}}
    return digest(meaning)


def session_id_for(*named: str) -> str:
    """The session that a request with this owner, agent and key made, so that a retry finds it again."""
    return f"sess_{digest(list(named))[:32]}"


class Once(NamedTuple):
    """What a creation needs so that it happens once: the id that its key stands for where the client chose none, and
    its mark. Without a key it is as the client said."""

    session_id: str | None
    made_with: str | None

    @classmethod
    def of(cls, owner: str, agent: str, key: str | None, session_id: str | None, meaning: Mapping[str, Any]) -> "Once":
        """`meaning` is what the request says besides, whichever way it is spelt."""
        if key is None:
            return cls(session_id, None)
        home = session_id if session_id is not None else session_id_for("made", owner, agent, key)
        return cls(home, made_with(key, {"agent": agent, "session_id": session_id, **meaning}))
