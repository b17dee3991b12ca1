"""What a client may say in one frame: a message, a task, a cancel or a resume. They are told apart by their keys."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, NamedTuple

from sessionful.domain.error import AgentError, InvalidRequest
from sessionful.surfaces.http.body import Body, decoded, parse
from sessionful.surfaces.http.inputs import MessagePost, TaskPost


class Say(MessagePost):
    debug: bool = False


class Task(TaskPost):
    pass


class Cancel(Body):
    """`cancel` is a turn's id, a task's, or an idempotency key. A session is named for a turn of another connection."""

    spellings: ClassVar[Mapping[str, str]] = {"sessionId": "session_id"}

    cancel: str
    session_id: str | None = None


class Resume(Body):
    """`after` is the `id` of the last frame heard. With `taskId` it is that task, in the form of tasks; else the turn
    that the cursor is in, or the one that runs, or the next."""

    spellings: ClassVar[Mapping[str, str]] = {"sessionId": "session_id", "agentId": "agent_id", "task_id": "taskId"}

    session_id: str
    after: str | None = None
    agent_id: str | None = None
    taskId: str | None = None
    debug: bool = False


Ask = Say | Task | Cancel | Resume


class Naming(NamedTuple):
    """What the answer to a frame refers to, as far as that can be told also of one that is wrong. `form` is None where
    nothing has to be closed."""

    form: Literal["chunks", "task"] | None
    ids: Mapping[str, Any]


def read_frame(data: str | bytes) -> Ask:
    """Raises InvalidRequest."""
    fields = _object(data)
    if "cancel" in fields:
        return parse(Cancel, fields)
    if "resume" in fields:
        return _resume(fields)
    if "input" in fields or ("message" not in fields and ("taskId" in fields or "task_id" in fields)):
        return parse(Task, fields)
    if "message" not in fields and (unknown := [name for name in fields if name not in _KNOWN]):
        raise _unknown(unknown[0], [*_KNOWN])
    if "message" not in fields:
        raise InvalidRequest("a frame says one of 'message', 'input', 'cancel' and 'resume'", field="message")
    return parse(Say, fields)


def naming(data: str | bytes) -> Naming:
    try:
        fields = _object(data)
    except AgentError:
        return Naming(None, {})
    if "cancel" in fields:
        return Naming(None, _ids(fields, "cancel", "session_id"))
    if "resume" in fields:
        inner = fields["resume"] if isinstance(fields["resume"], dict) else {}
        ids = _ids(inner, "taskId", "session_id")
        return Naming("task" if "taskId" in ids else "chunks", ids)
    if "input" in fields or "taskId" in fields or "task_id" in fields:
        return Naming("task", _ids(fields, "taskId"))
    return Naming("chunks" if "message" in fields else None, _ids(fields, "session_id", "request_id"))


def _object(data: str | bytes) -> dict[str, Any]:
    try:
        value = decoded(data.encode() if isinstance(data, str) else data)
    except UnicodeEncodeError:
        raise InvalidRequest("the frame is not well-formed Unicode", field="body") from None
    if not isinstance(value, dict):
        raise InvalidRequest("a frame is a JSON object", field="body")
    return value


def _resume(fields: Mapping[str, Any]) -> Resume:
    if unknown := [name for name in fields if name != "resume"]:
        raise _unknown(unknown[0], ["resume"])
    if not isinstance(fields["resume"], dict):
        raise InvalidRequest("'resume' is an object with a 'session_id'", field="resume")
    return parse(Resume, fields["resume"])


def _unknown(name: str, known: list[str]) -> InvalidRequest:
    nearest = get_close_matches(name, known, n=1)
    if not nearest:
        return InvalidRequest(f"unknown field {name[:80]!r}", field=name[:80], known=sorted(known))
    hint = f"unknown field {name[:80]!r}; did you mean {nearest[0]!r}?"
    return InvalidRequest(hint, field=name[:80], nearest=nearest[0])


def _ids(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those that are texts, by the name that is ours."""
    spelt = {_SPELLINGS.get(name, name): value for name, value in fields.items()}
    return {name: spelt[name][:256] for name in names if isinstance(spelt.get(name), str)}


_SPELLINGS = {**Say.spellings, **Task.spellings, **Resume.spellings}
_KNOWN = {*Say.model_fields, *Task.model_fields, *Cancel.model_fields, *_SPELLINGS, "resume"}
