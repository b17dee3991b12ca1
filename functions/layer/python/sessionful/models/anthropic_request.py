"""A request in the form of Anthropic's Messages API."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.models import media
from sessionful.models.cache_points import points
from sessionful.models.dialogue import alternating, system_parts
from sessionful.models.schema import strict
from sessionful.models.tokens import claude_tokens
from sessionful.ports import ModelRequest


def request_fields(model: str, request: ModelRequest, mark: Mapping[str, str] | None) -> dict[str, Any]:
    """`messages`, `system` and `tools`, with the cache's `mark` at its points."""
    said = alternating(request.messages, tools=bool(request.tools))
    system = system_parts(request)
    fields: dict[str, Any] = {"messages": [_message(message) for message in said]}
    if system:
        fields["system"] = [{"type": "text", "text": text} for text in system]
    if request.tools:
        fields["tools"] = [
            {"name": spec.name, "description": spec.description, "input_schema": spec.schema} for spec in request.tools
        ]
    if mark:
        at = points(model, partial(claude_tokens, model), request.tools, system, said)
        ends = [fields["messages"][place]["content"][-1] for place in at.messages]
        ends += [fields["system"][place] for place in at.system]
        ends += [fields["tools"][-1]] if at.tools else []
        for block in ends:
            block["cache_control"] = mark
    return fields


def output_format(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    held = strict(schema)
    return {"type": "json_schema", "schema": held} if held else None


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [block for part in message.parts if (block := _block(part))]}


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.arguments}
    if isinstance(part, ToolResult):
        failed = {"is_error": True} if part.is_error else {}
        return {"type": "tool_result", "tool_use_id": part.call_id, "content": part.content, **failed}
    if isinstance(part, Thinking):
        return _thinking(part)
    return _medium(part)


def _thinking(part: Thinking) -> dict[str, Any] | None:
    """Verbatim, or not at all: another vendor's thinking has no signature, and Anthropic refuses it."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature is not None:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return None


def _medium(part: Image | File) -> dict[str, Any]:
    if isinstance(part, Image):
        kind, found, url = "image", media.image(part), media.link(part)
    else:
        if text := media.text_of(part):
            return {"type": "text", "text": text.text}
        kind, found = "document", media.pdf(part)
        url = media.link(part) if part.media_type == "application/pdf" else None
    if found:
        source = {"type": "base64", "media_type": found.media_type, "data": found.data}
        return {"type": kind, "source": source}
    if url:
        return {"type": kind, "source": {"type": "url", "url": url}}
    return {"type": "text", "text": media.in_words(part)}
