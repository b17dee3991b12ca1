"""What Chat Completions refuses, by OpenAI's reference (Create chat completion) and the errors its servers give."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.validators.rule import NAME, decoded, hold, hold_name, hold_text, hold_unique

_ROLES = ("system", "developer", "user", "assistant", "tool")
_PARTS = ("text", "image_url", "input_audio", "file")
_IMAGE_BYTES = 20 << 20  # guide "Images and vision"


def check(body: Mapping[str, Any]) -> None:
    """Raises Refused."""
    messages = body.get("messages")
    hold(isinstance(messages, list) and messages, "messages", "[] is too short")
    assert isinstance(messages, list)
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        hold(message.get("role") in _ROLES, where, "no such role")
        _check_message(message, where)
    _check_pairs(messages)
    _check_tools(body.get("tools"))
    stop = body.get("stop") or []
    hold(len([stop] if isinstance(stop, str) else stop) <= 4, "stop", "at most 4 sequences")


def _check_message(message: Mapping[str, Any], where: str) -> None:
    content = message.get("content")
    if message["role"] == "assistant":
        # "content: required unless tool_calls or function_call is specified"
        hold(content is not None or message.get("tool_calls"), where, "an assistant has content or tool_calls")
        if "tool_calls" in message:
            _check_calls(message["tool_calls"], f"{where}.tool_calls")
        if content is None:
            return
    elif message["role"] == "tool":
        hold(message.get("tool_call_id"), where, "missing tool_call_id")
    if isinstance(content, str):
        # OpenAI itself takes an empty text; servers that speak like it (Mistral, Groq, vLLM's templates) do not.
        hold_text(content, where)
        return
    hold(isinstance(content, list) and content, where, "content is a text or an array of parts that is not empty")
    assert isinstance(content, list)
    for index, part in enumerate(content):
        _check_part(part, message["role"], f"{where}.content.{index}")


def _check_part(part: Mapping[str, Any], role: str, where: str) -> None:
    # Only a user's message has parts other than text.
    hold(part.get("type") in (_PARTS if role == "user" else ("text",)), where, f"no such part for {role}")
    if part["type"] == "text":
        hold_text(part.get("text"), where)
    elif part["type"] == "image_url":
        url = part["image_url"]["url"]
        hold(url.startswith(("https://", "http://", "data:image/")), where, "an image is a URL or a data URL")
        if url.startswith("data:"):
            head, _, data = url.partition(",")
            hold(head.endswith(";base64"), where, "a data URL is base64")
            hold(len(decoded(data, where)) <= _IMAGE_BYTES, where, "the image is larger than 20 MB")
    elif part["type"] == "file":
        hold("file_id" in part["file"] or "file_data" in part["file"], where, "a file is an id or data")


def _check_calls(calls: Any, where: str) -> None:
    # "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1"
    hold(isinstance(calls, list) and calls, where, "empty array")
    hold(len(calls) <= 128, where, "array too long: at most 128")
    for index, call in enumerate(calls):
        at = f"{where}.{index}"
        hold(call.get("type") == "function", at, "a call's type is function")
        # "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40"
        hold(isinstance(call.get("id"), str) and 1 <= len(call["id"]) <= 40, at, "an id has 1 to 40 characters")
        # "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'"
        name = call["function"].get("name")
        hold(isinstance(name, str) and NAME.fullmatch(name) and len(name) <= 64, at, "the function's name")
        arguments = call["function"].get("arguments")
        hold(isinstance(arguments, str) and _is_object(arguments), at, "arguments are the text of a JSON object")
    hold_unique((call["id"] for call in calls), where, "two calls have the same id")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _check_pairs(messages: Sequence[Mapping[str, Any]]) -> None:
    """Nothing but the answers stands behind calls until each has one."""
    waiting: set[str] = set()
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        if message["role"] == "tool":
            # "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'"
            hold(message["tool_call_id"] in waiting, where, "it answers no call that waits for an answer")
            waiting.discard(message["tool_call_id"])
            continue
        # "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'"
        hold(not waiting, where, f"no tool message yet for {sorted(waiting)}")
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    hold(not waiting, "messages", f"no tool message for {sorted(waiting)}")


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    hold(isinstance(tools, list) and tools, "tools", "empty array")
    hold(len(tools) <= 128, "tools", "array too long: at most 128")
    for index, tool in enumerate(tools):
        hold_name(tool["function"].get("name"), 64, f"tools.{index}")
    hold_unique((tool["function"]["name"] for tool in tools), "tools", "two tools have the same name")
