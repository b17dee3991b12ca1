"""The vendors' streams in bytes, as their documentation prints them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def openai_stream(*chunks: Mapping[str, Any] | str, newline: str = "\n", done: bool = True) -> bytes:
    """`chat.completion.chunk` objects; a string is sent as it is, as a line of its own."""
    events = [chunk if isinstance(chunk, str) else f"data: {_json(chunk)}" for chunk in chunks]
    if done:
        events.append("data: [DONE]")
    return "".join(event + newline * 2 for event in events).encode()


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    choice = {"index": 0, "delta": fields, "logprobs": None, "finish_reason": finish_reason}
    return _chunk([choice], None)


def usage_chunk(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}
    return _chunk([], usage)


def call_fragment(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    opening = {"id": call_id, "type": "function"} if call_id else {}
    named = {"name": name} if name else {}
    return {"index": index, **opening, "function": {**named, "arguments": arguments}}


def _chunk(choices: list[Any], usage: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1694268190,
        "model": "gpt-5.5",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": choices,
        "usage": usage,
    }


def anthropic_stream(*events: Mapping[str, Any] | str, newline: str = "\n") -> bytes:
    """Each event named by its type; a string is sent as it is."""
    lines = (
        event + newline
        if isinstance(event, str)
        else f"event: {event['type']}{newline}data: {_json(event)}{newline}{newline}"
        for event in events
    )
    return "".join(lines).encode()


def anthropic_message(blocks: Iterable[list[dict[str, Any]]], stop: str = "end_turn", **usage: int) -> bytes:
    """A whole reply: its blocks, each given as its events, between the start and the stop of the message."""
    start = {
        "type": "message_start",
        "message": {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": "claude-opus-5-5",
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 25, "output_tokens": 1, **usage},
        },
    }
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": 15},
    }
    inner = [event for block in blocks for event in block]
    return anthropic_stream(start, {"type": "ping"}, *inner, end, {"type": "message_stop"})


def block(index: int, start: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index: int, *texts: str) -> list[dict[str, Any]]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": text} for text in texts))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
