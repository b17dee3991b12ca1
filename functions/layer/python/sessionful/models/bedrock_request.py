"""A request in the form of Bedrock's Converse API."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.models import media
from sessionful.models.cache_points import Points, points
from sessionful.models.dialogue import alternating, system_parts
from sessionful.models.schema import strict
from sessionful.ports import ModelRequest, ToolSpec

_POINT = {"cachePoint": {"type": "default"}}


def request_fields(
    model: str, request: ModelRequest, cache: bool, structured: bool, count: Callable[[Message], int]
) -> dict[str, Any]:
    """`messages`, `system`, `toolConfig` and `outputConfig`, with cache points where they serve. `count`: a message's
    tokens."""
    said = alternating(request.messages, tools=bool(request.tools))
    system = system_parts(request)
    at = points(model, count, request.tools, system, said) if cache else Points()
    fields: dict[str, Any] = {"messages": [_message(message) for message in said]}
    for place in at.messages:
        fields["messages"][place]["content"].append(_POINT)
    if system:
        fields["system"] = [
            block for place, text in enumerate(system) for block in ({"text": text}, *_point(place in at.system))
        ]
    if request.tools:
        behind_tools = at.tools and "amazon.nova" not in model
        fields["toolConfig"] = {"tools": [*map(_tool, request.tools), *_point(behind_tools)]}
    if request.schema is not None and structured and (held := strict(request.schema)):
        form = {"jsonSchema": {"name": "answer", "schema": json.dumps(held, ensure_ascii=False)}}
        fields["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": form}}
    return fields


def _point(wanted: bool) -> list[dict[str, Any]]:
    return [_POINT] if wanted else []


def _tool(spec: ToolSpec) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description.strip() else {}
    return {"toolSpec": {"name": spec.name, **described, "inputSchema": {"json": dict(spec.schema)}}}


def _message(message: Message) -> dict[str, Any]:
    blocks = [block for part in message.parts if (block := _block(part))]
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        blocks.append({"text": "(see the attached file)"})  # Converse refuses a document that comes without a text
    return {"role": message.role, "content": blocks}


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, ToolCall):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.arguments}}
    if isinstance(part, ToolResult):
        status = "error" if part.is_error else "success"
        return {"toolResult": {"toolUseId": part.call_id, "content": [{"text": part.content}], "status": status}}
    if isinstance(part, Thinking):
        return _thinking(part)
    return _image(part) if isinstance(part, Image) else _document(part)


def _thinking(part: Thinking) -> dict[str, Any] | None:
    """Verbatim, or not at all: unsigned thinking is not Claude's, and no other model takes it back."""
    if part.redacted is not None:
        return {"reasoningContent": {"redactedContent": base64.b64decode(part.redacted)}}
    if part.signature is not None:
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
    return None


def _image(part: Image) -> dict[str, Any]:
    found = media.image(part)
    if found and (content := media.decoded(found)):
        return {"image": {"format": found.media_type.removeprefix("image/"), "source": {"bytes": content}}}
    return {"text": media.in_words(part)}


def _document(part: File) -> dict[str, Any]:
    if text := media.text_of(part):
        return {"text": text.text}
    found = media.pdf(part)
    if found and (content := media.decoded(found)):
        name = re.sub(r"[^a-zA-Z0-9()\[\]-]+", " ", part.name.removesuffix(".pdf")).strip()[:200] or "file"
        return {"document": {"format": "pdf", "name": name, "source": {"bytes": content}}}
    return {"text": media.in_words(part)}
