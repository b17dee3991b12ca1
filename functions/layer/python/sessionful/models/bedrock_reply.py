"""Events of ConverseStream, read into pieces, and AWS's errors, read into the family's."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sessionful.domain.error import AgentError, ConfigError, ModelAuthentication, ModelError, ModelUnavailable
from sessionful.domain.usage import Usage
from sessionful.models.failure import failure, retry_after
from sessionful.ports import CallPiece, Finish, Piece, TextPiece, ThinkingPiece

_VENDOR = "Bedrock"
StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "content_filter"]
_STOP: Mapping[str, StopReason] = {
    "end_turn": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_STATUS = {  # where the HTTP status is missing (inside a stream) or says something else than the code
    "ThrottlingException": 429,
    "ServiceQuotaExceededException": 429,
    "ModelNotReadyException": 503,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
    "ModelStreamErrorException": 424,
    "ModelErrorException": 424,
    "ModelTimeoutException": 408,
    "ValidationException": 400,
    "UnrecognizedClientException": 401,
    "InvalidSignatureException": 401,
    "ExpiredTokenException": 401,
    "AccessDeniedException": 403,
}


class ReplyReader:
    """The end comes in two events: `messageStop` says why, `metadata` what it cost."""

    def __init__(self) -> None:
        self._stop_reason: str | None = None
        self._usage = Usage()
        self._signature = ""
        self._redacted = b""
        self._has_arguments: dict[int, bool] = {}

    def read(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Kinds of event that came later than this are passed over."""
        if start := event.get("contentBlockStart"):
            call = start["start"].get("toolUse")
            if call and "type" not in call:  # with a type it is a tool that Bedrock runs itself
                self._has_arguments[start["contentBlockIndex"]] = False
                yield CallPiece(start["contentBlockIndex"], call["toolUseId"], call["name"])
        elif part := event.get("contentBlockDelta"):
            yield from self._delta(part["contentBlockIndex"], part["delta"])
        elif stop := event.get("contentBlockStop"):
            yield from self._stop(stop["contentBlockIndex"])
        elif message := event.get("messageStop"):
            self._stop_reason = message["stopReason"]
        elif metadata := event.get("metadata"):
            self._usage = _usage(metadata["usage"])

    def end(self) -> Iterator[Piece]:
        """Raises ModelError when the reply is not whole, or not one that could be used."""
        if self._stop_reason is None:
            raise ModelError("the model's answer broke off")
        if self._stop_reason.startswith("malformed_"):
            raise ModelError(f"{_VENDOR} stopped the model: {self._stop_reason.replace('_', ' ')}")
        yield Finish(_STOP.get(self._stop_reason, "end_turn"), self._usage)

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Piece]:
        if text := delta.get("text"):
            yield TextPiece(text)
        elif (fragment := (delta.get("toolUse") or {}).get("input")) and index in self._has_arguments:
            self._has_arguments[index] = True
            yield CallPiece(index, json=fragment)
        elif thought := delta.get("reasoningContent"):
            self._signature += thought.get("signature", "")
            self._redacted += thought.get("redactedContent", b"")
            if thought.get("text"):
                yield ThinkingPiece(thought["text"])

    def _stop(self, index: int) -> Iterator[Piece]:
        if self._signature or self._redacted:
            redacted = base64.b64encode(self._redacted).decode() if self._redacted else None
            yield ThinkingPiece(signature=self._signature or None, redacted=redacted)
            self._signature, self._redacted = "", b""
        if not self._has_arguments.get(index, True):
            yield CallPiece(index, json="{}")


def _usage(usage: Mapping[str, int]) -> Usage:
    """`inputTokens` counts neither what came from the cache nor what went into it."""
    read, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    return Usage(
        input_tokens=usage.get("inputTokens", 0) + read + written,
        output_tokens=usage.get("outputTokens", 0),
        cached_tokens=read,
        cache_write_tokens=written,
    )


def failed(error: Exception) -> AgentError:
    """The family's error for anything that boto3 raises. AWS's words about credentials are not repeated."""
    from botocore import exceptions

    if isinstance(error, AgentError):
        return error
    if isinstance(error, exceptions.ClientError):  # EventStreamError, from inside a stream, is one of them
        return _refused(error)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return ModelAuthentication(f"{_VENDOR}: no AWS credentials were found")
    if isinstance(error, exceptions.NoRegionError):
        return ConfigError(f"{_VENDOR} needs a region", key="region")
    if isinstance(error, exceptions.ParamValidationError):
        return ModelError(f"the request does not have the form of {_VENDOR}'s API")
    if isinstance(error, exceptions.ReadTimeoutError):
        return ModelError(f"{_VENDOR} was silent for too long")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return ModelUnavailable(f"{_VENDOR} could not be reached")
    return ModelError(f"the answer of {_VENDOR} broke off or cannot be read")


def _refused(error: Any) -> AgentError:
    said = error.response.get("Error", {})
    answer = error.response.get("ResponseMetadata", {})
    code = str(said.get("Code", ""))
    status = _STATUS.get(code[:1].upper() + code[1:], answer.get("HTTPStatusCode"))
    if status in (401, 403):
        return ModelAuthentication(f"{_VENDOR} refused the credentials ({code})", status_code=status)
    wait = retry_after(answer.get("HTTPHeaders", {}))
    return failure(_VENDOR, status, f"{code}: {said.get('Message', '')}", wait)
