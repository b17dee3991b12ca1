"""The brain behind `provider="openai"` in these tests: it knows nothing but the prompt."""

import json
from typing import Any


def recalling(messages: list[dict[str, Any]], body: dict[str, Any]) -> "str | dict[str, Any]":
    """Knows nothing but the prompt: gives back the known words it finds there."""
    said = json.dumps(messages)
    if "response_format" in body or "JSON schema" in said:
        return json.dumps({"key_points": ["one", "two"], "conclusion": "done"})
    if body.get("tools") and messages[-1]["role"] == "user" and "orders" in messages[-1]["content"]:
        return {"name": "get_user_orders", "arguments": json.dumps({"user_id": "user-123"})}
    if messages[-1]["content"] == "fail":
        return ""
    words = ["Alice", "software engineer", "Paris", "Tokyo", "Kyoto", "Osaka", "shipped", "code examples"]
    return "I know: " + ", ".join(word for word in words if word in said)
