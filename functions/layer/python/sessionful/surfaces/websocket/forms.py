"""The two forms in which a turn is told: chunks, and the older form of tasks. Every frame is a JSON object."""

from collections.abc import Mapping
from typing import Any, Protocol

from sessionful.domain.clock import now_ms
from sessionful.domain.error import AgentError
from sessionful.domain.usage import Usage
from sessionful.surfaces.http.errors import error_json
from sessionful.surfaces.http.outputs import rfc3339
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.asks import naming
from sessionful.surfaces.websocket.pieces import Fields, short
from sessionful.surfaces.websocket.subscription import Subscription

REFUSED, UNKNOWN = "refused", "unknown"
"""What stands in place of a turn's status where none began, and where the telling broke off: the turn may go on."""


class Form(Protocol):
    def started(self, agent: str | None = None) -> Fields: ...

    def text(self, text: str) -> Fields: ...

    def superseded(self, keep: int) -> Fields: ...

    def error(self, error: Fields) -> Fields: ...

    def done(self, status: str, usage: Usage | None = None, steps: int = 0) -> Fields: ...

    def ping(self) -> Fields: ...


class ChunkForm:
    def __init__(self, ids: Fields) -> None:
        self._ids = ids

    def started(self, agent: str | None = None) -> Fields:
        return {"started": True, **self._ids} | ({"agent": agent} if agent else {})

    def text(self, text: str) -> Fields:
        return {"chunk": text, **self._ids}

    def superseded(self, keep: int) -> Fields:
        return {"superseded": {"keep": keep}, **self._ids}

    def error(self, error: Fields) -> Fields:
        return {"error": short(error), **self._ids}

    def done(self, status: str, usage: Usage | None = None, steps: int = 0) -> Fields:
        return {"done": True, "status": status, **self._ids, "usage": (usage or Usage()).model_dump(), "steps": steps}

    def ping(self) -> Fields:
        return {"ping": True, **self._ids}


class TaskForm:
    """`names` are the turn's, in the words of this form."""

    def __init__(self, task_id: str | None, names: Fields) -> None:
        self._task_id, self._names = task_id, names

    def started(self, agent: str | None = None) -> Fields:
        return self._chunk("metadata", {**self._names} | ({"agent": agent} if agent else {}))

    def text(self, text: str) -> Fields:
        return self._chunk("text", text)

    def data(self, content: Fields) -> Fields:
        return self._chunk("data", content)

    def superseded(self, keep: int) -> Fields:
        return self._chunk("metadata", {"superseded": {"keep": keep}})

    def error(self, error: Fields) -> Fields:
        return self._chunk("error", short(error))

    def done(self, status: str, usage: Usage | None = None, steps: int = 0) -> Fields:
        spoken = "failed" if status == "interrupted" else status
        spent = (usage or Usage()).model_dump()
        return self._chunk("done", {"status": spoken, **self._names, "usage": spent, "steps": steps}, final=True)

    def ping(self) -> Fields:
        return self._chunk("metadata", {"ping": True})

    def _chunk(self, kind: str, content: Any, final: bool = False) -> Fields:
        stamp = rfc3339(now_ms())
        return {"taskId": self._task_id, "chunkType": kind, "content": content, "timestamp": stamp, "final": final}


def form_of(subscription: Subscription, turn_id: str | None = None) -> ChunkForm | TaskForm:
    """The turn's id may be known by now."""
    names: dict[str, Any] = {"session_id": subscription.session_id}
    turn_id = turn_id or subscription.turn_id
    if turn_id is not None:
        names["turn_id"] = turn_id
    if subscription.form == "chunks":
        return ChunkForm(names)
    spelt = {"session_id": "sessionId", "turn_id": "turnId"}
    return TaskForm(subscription.tag or turn_id, {spelt[name]: value for name, value in names.items()})


def refusal(data: str | bytes, error: AgentError) -> list[str]:
    """The frames that answer a frame which nothing came of. What would have been told is closed, so that nobody waits
    for it."""
    return broken(data, error_json(error))


def broken(data: str | bytes, error: Mapping[str, Any]) -> list[str]:
    """The same, for an error of ours."""
    form, ids = naming(data)
    if form == "task":
        task = TaskForm(ids.get("taskId"), {})
        return [json_text(task.error(error)), json_text(task.done(REFUSED))]
    chunks = ChunkForm(ids)
    closing = [json_text(chunks.done(REFUSED))] if form is not None else []
    return [json_text(chunks.error(error)), *closing]
