"""Events of Anthropic's Messages stream, read into pieces."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from sessionful.domain.error import AgentError, ModelError
from sessionful.domain.usage import Usage
from sessionful.models.sse import Frame
from sessionful.ports import CallPiece, Finish, Piece, TextPiece, ThinkingPiece

StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "content_filter"]
_STOP: Mapping[str, StopReason] = {
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "content_filter",
}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class ReplyReader:
    """A block is open from its start to its stop; kinds of block and event that came later than this are passed over.
    `refusal` makes the error of what the API says in place of an event."""

    def __init__(self, refusal: Callable[[int | None, str], AgentError]) -> None:
        self.done = False
        self._refusal = refusal
        self._signature = ""
        self._has_arguments: dict[int, bool] = {}  # by the index of a call's block
        self._stop_reason: str | None = None
        self._usage: dict[str, int] = {}

    def read(self, frame: Frame) -> Iterator[Piece]:
        event = json.loads(frame.data)
        match event.get("type"):
            case "message_start":
                self._count(event["message"].get("usage") or {})
            case "content_block_start":
                yield from self._start(event["index"], event["content_block"])
            case "content_block_delta":
                yield from self._delta(event["index"], event["delta"])
            case "content_block_stop":
                yield from self._stop(event["index"])
            case "message_delta":
                self._stop_reason = event["delta"].get("stop_reason") or self._stop_reason
                self._count(event.get("usage") or {})
            case "message_stop":
                self.done = True
                yield Finish(_STOP.get(self._stop_reason or "", "end_turn"), self._spent())
            case "error":
                error = event.get("error") or {}
                kind = str(error.get("type"))
                raise self._refusal(_STATUS.get(kind), str(error.get("message") or kind))

    def end(self) -> Iterator[Piece]:
        raise ModelError("the model's answer broke off")

    def _start(self, index: int, block: Mapping[str, Any]) -> Iterator[Piece]:
        match block["type"]:
            case "text" if block["text"]:
                yield TextPiece(block["text"])
            case "tool_use":
                self._has_arguments[index] = False
                yield CallPiece(index, block["id"], block["name"])
            case "thinking":
                self._signature = block.get("signature") or ""
                if block.get("thinking"):
                    yield ThinkingPiece(block["thinking"])
            case "redacted_thinking":
                yield ThinkingPiece(redacted=block["data"])

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Piece]:
        match delta["type"]:
            case "text_delta":
                yield TextPiece(delta["text"])
            case "input_json_delta" if delta["partial_json"] and index in self._has_arguments:
                self._has_arguments[index] = True
                yield CallPiece(index, json=delta["partial_json"])
            case "thinking_delta":
                yield ThinkingPiece(delta["thinking"])
            case "signature_delta":
                self._signature += delta["signature"]

    def _stop(self, index: int) -> Iterator[Piece]:
        if self._signature:
            yield ThinkingPiece(signature=self._signature)
            self._signature = ""
        if not self._has_arguments.get(index, True):
            yield CallPiece(index, json="{}")

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Counts are cumulative: a later one replaces an earlier."""
        self._usage |= {name: count for name, count in usage.items() if isinstance(count, int)}

    def _spent(self) -> Usage:
        """Anthropic counts what came from the cache, and what went into it, beside `input_tokens`."""
        read = self._usage.get("cache_read_input_tokens", 0)
        written = self._usage.get("cache_creation_input_tokens", 0)
        return Usage(
            input_tokens=self._usage.get("input_tokens", 0) + read + written,
            output_tokens=self._usage.get("output_tokens", 0),
            cached_tokens=read,
            cache_write_tokens=written,
        )
