"""Frames of `application/vnd.amazon.eventstream`, encoded by hand.

A frame: total length, length of the headers, CRC-32 of these two (each 4 bytes, big endian); headers; payload; CRC-32
of everything before it. A header: length of its name (1 byte), name, type (7: a string), length (2 bytes), value.
"""

import base64
import json
import struct
from collections.abc import Mapping
from typing import Any
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def event(kind: str, fields: Mapping[str, Any]) -> bytes:
    """An event of ConverseStream; bytes in its fields are base64, as in all of AWS's JSON."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(fields, ensure_ascii=False, default=_base64).encode())


def exception(kind: str, message: str) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def reply(*blocks: list[bytes], stop: str = "end_turn", **usage: int) -> list[bytes]:
    """A whole reply, frame by frame."""
    counts = {"inputTokens": 25, "outputTokens": 15, "totalTokens": 40, **usage}
    return [
        event("messageStart", {"role": "assistant"}),
        *(frame for block in blocks for frame in block),
        event("messageStop", {"stopReason": stop}),
        event("metadata", {"usage": counts, "metrics": {"latencyMs": 551}}),
    ]


def block(index: int, *deltas: Mapping[str, Any], tool: Mapping[str, Any] | None = None) -> list[bytes]:
    start = [event("contentBlockStart", {"start": {"toolUse": tool}, "contentBlockIndex": index})] if tool else []
    middle = [event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in deltas]
    return [*start, *middle, event("contentBlockStop", {"contentBlockIndex": index})]


def _header(name: str, value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw


def _base64(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
