"""The hand-made frames are what AWS's own decoder reads."""

import json
from collections.abc import Iterator
from typing import Any, cast

from botocore.eventstream import EventStreamBuffer

from tests.models.eventstream import event, exception, frame, reply


def read(buffer: EventStreamBuffer) -> list[Any]:
    """Untyped, because its published types are wrong about nearly every field."""
    return list(cast("Iterator[Any]", buffer))


def test_a_frame_is_read_by_botocore_also_byte_by_byte() -> None:
    data = frame({":event-type": "messageStart", "x": "ü"}, b"payload")
    buffer = EventStreamBuffer()
    for byte in data[:-1]:
        buffer.add_data(bytes([byte]))
        assert read(buffer) == []
    buffer.add_data(data[-1:])
    (message,) = read(buffer)
    assert message.headers == {":event-type": "messageStart", "x": "ü"}
    assert message.payload == b"payload"
    assert message.prelude.total_length == len(data)


def test_events_exceptions_and_replies_follow_one_another() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(event("messageStop", {"stopReason": "end_turn"}) + exception("throttlingException", "slow"))
    stop, slow = read(buffer)
    assert json.loads(stop.payload) == {"stopReason": "end_turn"}
    assert slow.headers[":message-type"] == "exception"
    assert slow.to_response_dict()["status_code"] == 400
    buffer.add_data(b"".join(reply()))
    assert [message.headers[":event-type"] for message in read(buffer)] == ["messageStart", "messageStop", "metadata"]


def test_bytes_are_base64() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(event("contentBlockDelta", {"delta": {"reasoningContent": {"redactedContent": b"\x00\xff"}}}))
    (message,) = read(buffer)
    assert json.loads(message.payload)["delta"]["reasoningContent"]["redactedContent"] == "AP8="
