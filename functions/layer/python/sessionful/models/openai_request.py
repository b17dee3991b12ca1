"""A request in the form of Chat Completions."""

import json
from collections.abc import Mapping
from typing import Any

from sessionful.domain.message import File, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from sessionful.models import media
from sessionful.models.dialogue import settled, system_prompt
from sessionful.models.schema import strict
from sessionful.ports import ModelRequest, ToolSpec


def sent_messages(request: ModelRequest, images: bool, thinking_field: str | None) -> list[dict[str, Any]]:
    """`images`: whether the model sees. `thinking_field`: under which name thinking goes back with its calls."""
    system = system_prompt(request)
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for message in settled(request.messages):
        if message.role == "assistant":
            messages.append(_assistant(message, thinking_field))
        elif message.role == "tool":
            messages.extend(_result(part) for part in message.tool_results)
        else:
            messages.append({"role": "user", "content": _content(message, images)})
    return messages


def sent_tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.schema}
    return {"type": "function", "function": function}


def response_format(schema: Mapping[str, Any], objects_only: bool) -> dict[str, Any] | None:
    """Strict where the schema has a strict form. OpenAI itself holds a model to `objects_only`."""
    if objects_only and schema.get("type") != "object":
        return None
    held = strict(schema, all_required=True)
    form = {"name": "answer", "schema": held or dict(schema), "strict": held is not None}
    return {"type": "json_schema", "json_schema": form}


def _assistant(message: Message, thinking_field: str | None) -> dict[str, Any]:
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    said: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None}
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
        if thinking_field:  # DeepSeek refuses a call without it, also when it is empty
            said[thinking_field] = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    return said


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _result(result: ToolResult) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": result.call_id, "content": result.content}


def _content(message: Message, images: bool) -> str | list[dict[str, Any]]:
    """Plain text where there is nothing else: not every server reads lists."""
    blocks = [_block(part, images) for part in message.parts]
    if all(block["type"] == "text" for block in blocks):
        return "\n\n".join(block["text"] for block in blocks)
    return blocks


def _block(part: Part, images: bool) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image) and images:
        found = media.image(part)
        if url := f"data:{found.media_type};base64,{found.data}" if found else media.link(part):
            return {"type": "image_url", "image_url": {"url": url}}
    if isinstance(part, File):
        if text := media.text_of(part):
            return {"type": "text", "text": text.text}
        if found := media.pdf(part):
            file = {"filename": part.name or "file.pdf", "file_data": f"data:application/pdf;base64,{found.data}"}
            return {"type": "file", "file": file}
    return {"type": "text", "text": media.in_words(part)}
