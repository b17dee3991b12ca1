"""What Bedrock's Converse refuses, by its reference (Converse, ContentBlock, ToolUseBlock, ...) and the
ValidationExceptions that it answers with."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.validators.rule import hold, hold_name, hold_text, hold_unique

_IMAGES = ("png", "jpeg", "gif", "webp")
_IMAGE_BYTES, _IMAGE_COUNT = 3_932_160, 20  # Message: 3.75 MB, 20 images
_DOCUMENT_BYTES, _DOCUMENT_COUNT = 4_718_592, 5  # Message: 4.5 MB, 5 documents
_POINTS = 4  # "Prompt caching": checkpoints of a request
_DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*")  # no two blanks in a row
_OF_USERS = {"text", "image", "document", "toolResult", "cachePoint"}
_OF_ASSISTANTS = {"text", "toolUse", "reasoningContent", "cachePoint"}

Block = Mapping[str, Any]


def check(body: Mapping[str, Any]) -> None:
    """The arguments of `converse`. Raises Refused."""
    messages = body.get("messages")
    hold(isinstance(messages, list) and messages, "messages", "at least one message")
    assert isinstance(messages, list)
    for place, message in enumerate(messages):
        # "A conversation must start with a user message. Try again with a conversation that starts with a user
        # message." and "A conversation must alternate between user and assistant roles."
        expected = "assistant" if place % 2 else "user"
        hold(message["role"] == expected, f"messages.{place}", "a conversation alternates and starts with the user")
        _check_content(message, f"messages.{place}")
    # "This model does not support assistant message prefill. The conversation must end with a user message."
    hold(messages[-1]["role"] == "user", "messages", "a conversation ends with the user")
    _check_pairs(messages)
    _check_tools(body, messages)
    for index, block in enumerate(body.get("system") or ()):
        if "cachePoint" not in block:
            hold_text(block.get("text"), f"system.{index}")
    hold(_points(body) <= _POINTS, "cachePoint", "at most 4 cache points")


def _check_content(message: Block, where: str) -> None:
    blocks = message["content"]
    # "The content field in the Message object at messages.1 is empty. Add a ContentBlock object to the content field"
    hold(isinstance(blocks, list) and blocks, where, "the content field is empty")
    for index, block in enumerate(blocks):
        at = f"{where}.content.{index}"
        hold(len(block) == 1, at, "a ContentBlock is a union: exactly one member")
        (kind,) = block
        hold(kind in (_OF_USERS if message["role"] == "user" else _OF_ASSISTANTS), at, f"no {kind} here")
        _check_block(kind, block[kind], at)
    kinds = [next(iter(block)) for block in blocks]
    hold(kinds[0] != "cachePoint", where, "a cache point stands behind something")
    # "a text block is required when using documents"
    hold("document" not in kinds or "text" in kinds, where, "a document without a text")
    hold(kinds.count("image") <= _IMAGE_COUNT, where, "more than 20 images")
    hold(kinds.count("document") <= _DOCUMENT_COUNT, where, "more than 5 documents")
    # "messages.1: The final block in an assistant message cannot be `thinking`."
    hold(kinds[-1] != "reasoningContent", where, "the final block cannot be thinking")


def _check_block(kind: str, block: Any, where: str) -> None:
    if kind == "text":
        hold_text(block, where)  # "The text field in the ContentBlock object at messages.0.content.0 is blank."
    elif kind == "toolUse":
        hold_name(block.get("toolUseId"), 64, f"{where}.toolUseId")
        hold_name(block.get("name"), 64, f"{where}.name")
        hold(isinstance(block.get("input"), dict), f"{where}.input", "the input is a JSON object")
    elif kind == "toolResult":
        # "The content field at messages.2.content.0.toolResult cannot be empty when status value is error."
        hold(block.get("content"), where, "a result without content")
        for part in block["content"]:
            hold_text(part.get("text"), where)
        hold(block.get("status", "success") in ("success", "error"), where, "no such status")
    elif kind == "reasoningContent":
        (form,) = block
        if form == "reasoningText":
            hold(block[form].get("signature"), where, "thinking.signature: Field required")
        else:
            hold(isinstance(block.get("redactedContent"), bytes), where, "redacted content is bytes")
    elif kind == "image":
        hold(block["format"] in _IMAGES, where, "no such format")
        hold(0 < len(block["source"]["bytes"]) <= _IMAGE_BYTES, where, "larger than 3.75 MB")
    elif kind == "document":
        hold(0 < len(block["source"]["bytes"]) <= _DOCUMENT_BYTES, where, "larger than 4.5 MB")
        name = block["name"]
        hold(_DOCUMENT_NAME.fullmatch(name) and len(name) <= 200, where, "the document's name")


def _check_pairs(messages: Sequence[Block]) -> None:
    asked: list[str] = []
    used: list[str] = []
    for place, message in enumerate(messages):
        where, blocks = f"messages.{place}", message["content"]
        results = [block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block]
        # "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn."
        hold(set(results) <= set(asked), where, "a toolResult without its toolUse in the previous turn")
        hold_unique(results, where, "the toolResult blocks contain duplicate Ids")
        # "Expected toolResult blocks at messages.2.content for the following Ids: ..."
        hold(set(asked) <= set(results), where, f"expected toolResult blocks for {sorted(set(asked) - set(results))}")
        hold(all("toolResult" in block for block in blocks[: len(results)]), where, "results come first")
        asked = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        used += asked
    hold(not asked, "messages", "the last calls have no result")
    hold_unique(used, "messages", "`tool_use` ids must be unique")


def _check_tools(body: Block, messages: Sequence[Block]) -> None:
    kinds = {kind for message in messages for block in message["content"] for kind in block}
    # "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    hold("toolConfig" in body or not kinds & {"toolUse", "toolResult"}, "toolConfig", "calls without toolConfig")
    if "toolConfig" not in body:
        return
    specs = [tool["toolSpec"] for tool in body["toolConfig"]["tools"] if "toolSpec" in tool]
    hold(specs, "toolConfig", "at least one tool")
    for index, spec in enumerate(specs):
        hold_name(spec.get("name"), 64, f"tools.{index}")
        hold(spec.get("description", "x"), f"tools.{index}", "a description has at least 1 character")
        hold(spec["inputSchema"]["json"].get("type") == "object", f"tools.{index}", "inputSchema is an object")
    hold_unique((spec["name"] for spec in specs), "toolConfig", "two tools have the same name")


def _points(body: Block) -> int:
    held = [*(body.get("system") or ()), *body.get("toolConfig", {}).get("tools", ())]
    held += [block for message in body["messages"] for block in message["content"]]
    return sum("cachePoint" in block for block in held)
