"""What the Messages API refuses, by Anthropic's reference (Messages, Tool use, Extended thinking, Prompt caching) and
the errors that its servers give, quoted where they say it best."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.validators.rule import decoded, hold, hold_name, hold_text, hold_unique

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_IMAGE_BYTES, _IMAGE_COUNT = 5 << 20, 100  # "Vision": per image, per request
_REQUEST_BYTES = 32 << 20  # "Errors": request_too_large
_BREAKPOINTS = 4  # "A maximum of 4 blocks with cache_control may be provided."
_THINKING = ("thinking", "redacted_thinking")
_OF_USERS = ("text", "image", "document", "tool_result")
_OF_ASSISTANTS = ("text", "tool_use", *_THINKING)

Block = Mapping[str, Any]


def check(body: Mapping[str, Any]) -> None:
    """Raises Refused."""
    messages = body.get("messages")
    hold(isinstance(messages, list) and messages, "messages", "at least one message is required")
    assert isinstance(messages, list)
    hold(isinstance(body.get("max_tokens"), int) and body["max_tokens"] >= 1, "max_tokens", "required, at least 1")
    hold(len(json.dumps(body)) <= _REQUEST_BYTES, "body", "larger than 32 MB")
    _check_roles(messages)
    for place, message in enumerate(messages):
        _check_content(message, f"messages.{place}")
    _check_pairs(messages)
    _check_thinking(body, messages)
    _check_tools(body, messages)
    for index, block in enumerate(body.get("system") or ()):
        hold_text(block.get("text"), f"system.{index}")
    marks = [block for block in _every_block(body) if "cache_control" in block]
    hold(len(marks) <= _BREAKPOINTS, "cache_control", "at most 4 breakpoints")
    hold(not any(block.get("type") in _THINKING for block in marks), "cache_control", "not on thinking")


def _check_roles(messages: Sequence[Block]) -> None:
    # 'messages: first message must use the "user" role'
    hold(messages[0]["role"] == "user", "messages.0", "the first message is the user's")
    for place, message in enumerate(messages):
        expected = "assistant" if place % 2 else "user"
        # 'messages: roles must alternate between "user" and "assistant"': the vendor merges by now, look-alikes do not.
        hold(message["role"] == expected, f"messages.{place}", "roles must alternate")
    # "This model does not support assistant message prefill. The conversation must end with a user message."
    hold(messages[-1]["role"] == "user", "messages", "the last message is the user's")


def _check_content(message: Block, where: str) -> None:
    blocks = message["content"]
    # "all messages must have non-empty content except for the optional final assistant message"
    hold(isinstance(blocks, list) and blocks, where, "messages must have non-empty content")
    for index, block in enumerate(blocks):
        at = f"{where}.content.{index}"
        kinds = _OF_USERS if message["role"] == "user" else _OF_ASSISTANTS
        hold(block.get("type") in kinds, at, f"no such block for {message['role']}")
        if block["type"] == "text":
            hold_text(block.get("text"), at)  # "text content blocks must contain non-whitespace text"
        elif block["type"] == "tool_use":
            hold_name(block.get("id"), 64, f"{at}.id")
            hold_name(block.get("name"), 128, f"{at}.name")
            hold(isinstance(block.get("input"), dict), f"{at}.input", "Input should be a valid dictionary")
        elif block["type"] == "tool_result":
            # "content cannot be empty if `is_error` is true"; an empty text block is refused in any case.
            hold(isinstance(block.get("content"), str) and block["content"].strip(), at, "an empty result")
        elif block["type"] in ("image", "document"):
            _check_medium(block, at)
    hold(blocks[-1]["type"] not in _THINKING, where, "the final block in an assistant message cannot be thinking")


def _check_medium(block: Block, where: str) -> None:
    source = block["source"]
    if source["type"] == "url":
        hold(source["url"].startswith(("https://", "http://")), where, "a URL")
        return
    hold(source["type"] == "base64", where, "a source is base64 or a URL")
    content = decoded(source.get("data"), where)
    if block["type"] == "image":
        hold(source.get("media_type") in _IMAGES, where, "no such media type")
        hold(len(content) <= _IMAGE_BYTES, where, "image exceeds 5 MB maximum")
    else:
        hold(source.get("media_type") == "application/pdf", where, "a document is a PDF")


def _check_pairs(messages: Sequence[Block]) -> None:
    used: list[str] = []
    asked: list[str] = []
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        kinds = [block["type"] for block in message["content"]]
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        # "unexpected `tool_use_id` found in `tool_result` blocks. Each `tool_result` block must have a corresponding
        # `tool_use` block in the previous message."
        hold(set(results) <= set(asked), where, "a result without a call in the previous message")
        hold_unique(results, where, "each tool_use must have a single result")
        # "`tool_use` ids were found without `tool_result` blocks immediately after"
        hold(set(asked) <= set(results), where, f"no result of {sorted(set(asked) - set(results))}")
        # "Messages following tool_use blocks must begin with a matching number of tool_result blocks."
        hold("tool_result" not in kinds[len(results) :], where, "results come first")
        asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        used += asked
    hold(not asked, "messages", "the last calls have no result")
    hold_unique(used, "messages", "`tool_use` ids must be unique")


def _check_thinking(body: Block, messages: Sequence[Block]) -> None:
    spoken = [message["content"] for message in messages if message["role"] == "assistant"]
    for block in (block for blocks in spoken for block in blocks if block["type"] in _THINKING):
        key = "signature" if block["type"] == "thinking" else "data"
        hold(isinstance(block.get(key), str) and block[key], "thinking", f"{key}: Field required")
    thinks = body.get("thinking", {}).get("type") == "enabled"
    if thinks and spoken and any(block["type"] == "tool_use" for block in spoken[-1]):
        # "a final assistant message must start with a thinking block (preceding the lastmost set of tool_use and
        # tool_result blocks)", where thinking is enabled
        hold(spoken[-1][0]["type"] in _THINKING, "thinking", "the tool loop must start with a thinking block")


def _check_tools(body: Block, messages: Sequence[Block]) -> None:
    kinds = {block["type"] for message in messages for block in message["content"]}
    # "Requests which include `tool_use` or `tool_result` blocks must define tools"
    hold(body.get("tools") or not kinds & {"tool_use", "tool_result"}, "tools", "calls without tools")
    images = sum(block["type"] == "image" for message in messages for block in message["content"])
    hold(images <= _IMAGE_COUNT, "messages", "more than 100 images")
    for index, tool in enumerate(body.get("tools") or ()):
        hold_name(tool.get("name"), 128, f"tools.{index}")
        hold(tool.get("input_schema", {}).get("type") == "object", f"tools.{index}", "input_schema is an object")
    hold_unique((tool["name"] for tool in body.get("tools") or ()), "tools", "tool names must be unique")


def _every_block(body: Block) -> Iterator[Block]:
    yield from body.get("system") or ()
    yield from body.get("tools") or ()
    for message in body["messages"]:
        yield from message["content"]
