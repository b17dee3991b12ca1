"""Each rule is broken once; what is right passes."""

import base64
from typing import Any

import pytest

from tests.validators.openai import check
from tests.validators.rule import Refused


def user(content: Any = "hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(call_id: str = "c1", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(call_id: str = "c1", content: Any = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def tool(name: str = "f") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {}}}


def image(url: str) -> dict[str, Any]:
    return user([{"type": "image_url", "image_url": {"url": url}}])


def test_a_conversation_with_tools_passes() -> None:
    both = calling(call("c1"), call("c2"))
    messages = [{"role": "system", "content": "Be brief."}, user(), both, result("c2"), result("c1"), user()]
    check({"messages": [*messages, image("data:image/png;base64,YWJj")], "tools": [tool()], "stop": "END"})


LARGE = base64.b64encode(bytes(21 << 20)).decode()

BROKEN: dict[str, list[dict[str, Any]]] = {
    "is too short": [],
    "no such role": [{"role": "robot", "content": "hi"}],
    "content or tool_calls": [user(), {"role": "assistant", "content": None}],
    "non-blank": [user(" ")],
    "not empty": [user([])],
    "no such part": [user([{"type": "tool_use"}])],
    "no such part for assistant": [{"role": "assistant", "content": [{"type": "image_url"}]}],
    "missing tool_call_id": [user(), calling(call()), {"role": "tool", "content": "x"}],
    "empty array": [user(), {**calling(), "content": "hm"}],
    "at most 128": [user(), calling(*(call(f"c{n}") for n in range(129)))],
    "call's type": [user(), calling({**call(), "type": "custom_code"})],
    "1 to 40 characters": [user(), calling(call("x" * 41)), result("x" * 41)],
    "function's name": [user(), calling(call(name="functions.f")), result()],
    "a JSON object": [user(), calling(call(arguments="{")), result()],
    "the same id": [user(), calling(call(), call()), result(), result()],
    "waits for an answer": [user(), result()],
    "no tool message yet": [user(), calling(call()), user(), result()],
    "no tool message for": [user(), calling(call(), call("c2")), result()],
    "it answers no call": [user(), calling(call()), result(), result()],
    "an image is a URL": [image("ftp://x")],
    "a data URL is base64": [image("data:image/png,abc")],
    "no base64": [image("data:image/png;base64,a")],
    "larger than 20 MB": [image(f"data:image/png;base64,{LARGE}")],
    "an id or data": [user([{"type": "file", "file": {}}])],
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        check({"messages": BROKEN[rule]})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"tools": []}, "empty array"),
        ({"tools": [tool(f"f{n}") for n in range(129)]}, "at most 128"),
        ({"tools": [tool("a b")]}, "a name is"),
        ({"tools": [tool(), tool()]}, "the same name"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "at most 4"),
    ],
)
def test_a_broken_rule_beside_the_messages_is_told(fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        check({"messages": [user()], **fields})
