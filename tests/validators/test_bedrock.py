"""Each rule is broken once; what is right passes."""

from typing import Any

import pytest

from tests.validators.bedrock import check
from tests.validators.rule import Refused

POINT: dict[str, Any] = {"cachePoint": {"type": "default"}}


def text(said: str = "hi") -> dict[str, Any]:
    return {"text": said}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks) or [text()]}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def use(use_id: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": use_id, "name": "f", "input": {}, **fields}}


def result(use_id: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": use_id, "content": [text("done")], "status": "success", **fields}}


def thought(signature: str | None = "s") -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": {"text": "hm", "signature": signature}}}


def image(content: bytes = b"x", form: str = "png") -> dict[str, Any]:
    return {"image": {"format": form, "source": {"bytes": content}}}


def document(content: bytes = b"x", name: str = "a file") -> dict[str, Any]:
    return {"document": {"format": "pdf", "name": name, "source": {"bytes": content}}}


def spec(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}, **fields}}


def body(*messages: dict[str, Any], tools: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    return {"messages": list(messages), "toolConfig": {"tools": tools or [spec(), POINT]}, **fields}


def test_a_conversation_with_thinking_and_tools_passes() -> None:
    first = assistant(thought(), text("let me see"), use("c1"), use("c2"))
    last = user(result("c2"), result("c1"), text("well?"), POINT)
    check(body(user(text(), image(), document()), first, last, system=[text("Be brief."), POINT]))


BROKEN: dict[str, dict[str, Any]] = {
    "at least one message": body(),
    "starts with the user": body(assistant(text())),
    "messages.1: a conversation alternates": body(user(), user()),
    "ends with the user": body(user(), assistant(text())),
    "the content field is empty": body(user(), assistant(), user()),
    "exactly one member": body(user({"text": "a", "cachePoint": {}})),
    "no toolUse here": body(user(use())),
    "no toolResult here": body(user(), assistant(result()), user()),
    "non-blank": body(user(text(" "))),
    "toolUseId: a name is": body(user(), assistant(use("a b")), user(result("a b"))),
    r"\.name: a name is": body(user(), assistant(use(name="f.g")), user(result())),
    "a JSON object": body(user(), assistant(use(input="{}")), user(result())),
    "a result without content": body(user(), assistant(use()), user(result(content=[]))),
    r"content\.0: text must be": body(user(), assistant(use()), user(result(content=[text("")]))),
    "no such status": body(user(), assistant(use()), user(result(status="failed"))),
    "signature: Field required": body(user(), assistant(thought(None), text()), user()),
    "redacted content is bytes": body(
        user(), assistant({"reasoningContent": {"redactedContent": "x"}}, text()), user()
    ),
    "the final block": body(user(), assistant(thought()), user()),
    "no such format": body(user(image(form="tiff"))),
    "3.75 MB": body(user(image(bytes(4 << 20)))),
    "4.5 MB": body(user(text(), document(bytes(5 << 20)))),
    "the document's name": body(user(text(), document(name="a  b"))),
    "a document without a text": body(user(document())),
    "more than 20 images": body(user(*(image() for _ in range(21)))),
    "more than 5 documents": body(user(text(), *(document() for _ in range(6)))),
    "stands behind something": body(user(POINT, text())),
    "without its toolUse": body(user(result())),
    "duplicate Ids": body(user(), assistant(use()), user(result(), result())),
    "expected toolResult blocks": body(user(), assistant(use()), user()),
    "results come first": body(user(), assistant(use()), user(text(), result())),
    "ids must be unique": body(user(), assistant(use()), user(result()), assistant(use()), user(result())),
    "calls without toolConfig": {"messages": [user(), assistant(use()), user(result())]},
    "at least one tool": body(user(), tools=[POINT]),
    "tools.0: a name is": body(user(), tools=[spec("a.b")]),
    "a description": body(user(), tools=[spec(description="")]),
    "inputSchema is an object": body(user(), tools=[spec(inputSchema={"json": {"type": "array"}})]),
    "the same name": body(user(), tools=[spec(), spec()]),
    "system.0": body(user(), system=[text("")]),
    "at most 4 cache points": body(user(text(), *([POINT] * 4))),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        check(BROKEN[rule])
