"""Each rule is broken once; what is right passes."""

import base64
from typing import Any

import pytest

from tests.validators.anthropic import check
from tests.validators.rule import Refused

TOOL = {"name": "f", "input_schema": {"type": "object"}}
MARK = {"cache_control": {"type": "ephemeral"}}
LARGE = base64.b64encode(bytes((5 << 20) + 1)).decode()


def text(said: str = "hi", **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **fields}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks) or [text()]}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def use(use_id: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": use_id, "name": "f", "input": {}, **fields}


def result(use_id: str = "c1", content: Any = "done") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": use_id, "content": content}


def thought(**fields: Any) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "hm", "signature": "s", **fields}


def image(data: str = "YWJj", media_type: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"max_tokens": 10, "messages": list(messages), "tools": [TOOL], **fields}


def test_a_conversation_with_thinking_and_tools_passes() -> None:
    first = assistant(thought(), text("let me see"), use("c1"), use("c2"))
    messages = [user(text(), image()), first, user(result("c2"), result("c1"), text("well?"))]
    check(body(*messages, thinking={"type": "enabled"}, system=[text("Be brief.", **MARK)]))


BROKEN: dict[str, dict[str, Any]] = {
    "at least one message": body(),
    "required, at least 1": body(user(), max_tokens=0),
    "larger than 32 MB": body(user(text("x" * (33 << 20)))),
    "messages.0: the first message is the user's": body(assistant(text())),
    "roles must alternate": body(user(), user()),
    "the last message is the user's": body(user(), assistant(text())),
    "non-empty content": body(user(), assistant(), user()),
    "no such block for user": body(user(use())),
    "no such block for assistant": body(user(), assistant(result()), user()),
    "non-blank": body(user(text("\n"))),
    r"\.id: a name is": body(user(), assistant(use("a.b")), user(result("a.b"))),
    r"\.name: a name is": body(user(), assistant(use(name="functions.f")), user(result())),
    "valid dictionary": body(user(), assistant(use(input=[])), user(result())),
    "an empty result": body(user(), assistant(use()), user(result(content=""))),
    "the final block": body(user(), assistant(thought()), user()),
    "a URL": body(user({"type": "image", "source": {"type": "url", "url": "ftp://x"}})),
    "base64 or a URL": body(user({"type": "image", "source": {"type": "path", "path": "x"}})),
    "no base64": body(user(image("a"))),
    "no such media type": body(user(image(media_type="image/tiff"))),
    "5 MB": body(user(image(LARGE))),
    "a document is a PDF": body(user({**image(), "type": "document"})),
    "in the previous message": body(user(result())),
    "no result of": body(user(), assistant(use()), user()),
    r"no result of \['c2'\]": body(user(), assistant(use("c1"), use("c2")), user(result("c1"))),
    "a single result": body(user(), assistant(use()), user(result(), result())),
    "results come first": body(user(), assistant(use()), user(text(), result())),
    "ids must be unique": body(user(), assistant(use()), user(result()), assistant(use()), user(result())),
    "signature: Field required": body(user(), assistant(thought(signature=None), text()), user()),
    "start with a thinking block": body(
        user(), assistant(text(), use()), user(result()), thinking={"type": "enabled", "budget_tokens": 1024}
    ),
    "calls without tools": body(user(), assistant(use()), user(result()), tools=[]),
    "more than 100 images": body(user(*(image() for _ in range(101)))),
    "tools.0: a name is": body(user(), tools=[{**TOOL, "name": ""}]),
    "input_schema is an object": body(user(), tools=[{**TOOL, "input_schema": {"type": "array"}}]),
    "tool names must be unique": body(user(), tools=[TOOL, TOOL]),
    "system.0": body(user(), system=[text("")]),
    "at most 4 breakpoints": body(user(*(text(**MARK) for _ in range(5)))),
    "not on thinking": body(user(), assistant({**thought(), **MARK}, text()), user()),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        check(BROKEN[rule])
