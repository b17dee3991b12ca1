"""The portable document of a session: what `to_dict` gives and `from_dict`, import and export speak."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import Message, Text
from sessionful.domain.session import NewSession, Session

FORMAT = "sessionful/1"


def to_document(session: Session, messages: Sequence[Message]) -> dict[str, Any]:
    """JSON-safe. Holds no owner, no agent's settings and no tools: those come from where it is restored."""
    return {
        "format": FORMAT,
        "session_id": session.key.id,
        "system": session.system,
        "title": session.title,
        "metadata": session.metadata,
        "state": session.state,
        "work_dir": session.work_dir,
        "messages": [_message_out(message) for message in messages],
    }


def from_document(document: Mapping[str, Any]) -> NewSession:
    """Raises InvalidRequest naming the field. Messages may also be in the plain `{role, content}` form."""
    known = {"format", "session_id", "system", "title", "metadata", "state", "work_dir", "messages"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise InvalidRequest(f"unknown field {unknown[0]!r} in the document", field=unknown[0])
    if document.get("format", FORMAT) != FORMAT:
        raise InvalidRequest(f"this version reads {FORMAT!r}", field="format", given=str(document["format"])[:80])
    messages = document.get("messages") or []
    if not isinstance(messages, list):
        raise InvalidRequest("'messages' is a list", field="messages")
    fields = {key: document[key] for key in known - {"format", "messages"} if document.get(key) is not None}
    try:
        return NewSession(**fields, messages=tuple(message_in(m, f"messages[{i}]") for i, m in enumerate(messages)))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(first["msg"], field=".".join(map(str, first["loc"]))) from None


def message_in(raw: Any, field: str = "message") -> Message:
    """One message, from `{role, content}` (text or parts; the plain tool fields too) or `{role, parts}`."""
    if not isinstance(raw, Mapping):
        raise InvalidRequest("a message is an object with role and content", field=field)
    content = raw.get("content", raw.get("parts", ""))
    parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])
    if raw.get("tool_call_id") is not None:
        result = {"type": "tool_result", "call_id": raw["tool_call_id"], "name": raw.get("name") or ""}
        parts = [{**result, "content": content if isinstance(content, str) else ""}]
    calls = raw.get("tool_calls") or []
    try:
        return Message.model_validate({"role": raw.get("role"), "parts": [*_without_empty(parts, calls), *calls]})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(first["msg"], field=".".join([field, *map(str, first["loc"])])) from None


def _without_empty(parts: list[Any], calls: Sequence[Any]) -> list[Any]:
    return [part for part in parts if part != {"type": "text", "text": ""}] if calls else parts


def _message_out(message: Message) -> dict[str, Any]:
    texts = [part for part in message.parts if isinstance(part, Text)]
    if len(message.parts) == 1 and texts:
        return {"role": message.role, "content": texts[0].text}
    return {"role": message.role, "content": [part.model_dump(mode="json") for part in message.parts]}
