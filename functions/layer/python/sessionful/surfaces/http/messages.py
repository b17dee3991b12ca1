"""A message as clients write it, read into ours."""

import json
from collections.abc import Mapping
from typing import Any

from sessionful.core.document import message_in
from sessionful.domain.error import InvalidRequest
from sessionful.domain.message import File, Image, Message, Text
from sessionful.surfaces.http.inputs import TaskPart


def posted_message(value: Any) -> Message:
    """What a user says: a text, parts, or `{role, content}` with either. Raises InvalidRequest for anything else, and
    for a message that says nothing."""
    raw = value if isinstance(value, Mapping) and ("content" in value or "parts" in value) else {"content": value}
    message = past_message({"role": "user", **raw}, "message")
    if message.role != "user":
        raise InvalidRequest("a turn starts with a message of the role 'user'", field="message.role")
    if not all(isinstance(part, Text | Image | File) for part in message.parts):
        raise InvalidRequest("a user's message has parts of the types text, image and file", field="message.content")
    if not any(part.text.strip() if isinstance(part, Text) else True for part in message.parts):
        raise InvalidRequest("the message is empty", field="message")
    return message


def past_message(raw: Mapping[str, Any], field: str) -> Message:
    """One message of a history. Roles are read in the spellings `user`, `USER` and `ROLE_USER`."""
    unknown = sorted(set(raw) - {"role", "content", "parts", "name", "tool_call_id", "tool_calls"})
    if unknown:
        raise InvalidRequest(f"unknown field {unknown[0]!r} in a message", field=f"{field}.{unknown[0]}")
    role = raw.get("role")
    content = raw.get("content", raw.get("parts", ""))
    if not isinstance(content, str):
        listed = content if isinstance(content, list) else [content]
        content = [_part(part, f"{field}.content[{index}]") for index, part in enumerate(listed)]
    spelt = role.lower().removeprefix("role_") if isinstance(role, str) else role
    rest = {key: value for key, value in raw.items() if key != "parts"}
    return message_in({**rest, "role": spelt, "content": content}, field)


def task_message(part: TaskPart) -> Message:
    """What a task is given, by its media type; JSON is told as text. Raises InvalidRequest when it says nothing."""
    content = part.content
    if part.type.startswith("image/") and isinstance(content, str):
        return posted_message([{"type": "image", "media_type": part.type, "data": content}])
    if not (part.type in ("text", "application/json") or part.type.startswith("text/")):
        known = ["text/plain", "application/json", "image/*"]
        raise InvalidRequest(f"a task's input cannot be of the type {part.type!r}", field="input.type", known=known)
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        content = content["text"]
    return posted_message(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def _part(part: Any, field: str) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        raise InvalidRequest("a part is a text or an object", field=field)
    return {"type": "text", **part} if "text" in part and "type" not in part else dict(part)
