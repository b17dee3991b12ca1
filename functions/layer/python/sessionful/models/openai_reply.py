"""Chunks of a chat completion, read into pieces; generous to servers that take the format lightly."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from sessionful.domain.error import AgentError, ModelError
from sessionful.domain.identity import sortable_id
from sessionful.domain.usage import Usage
from sessionful.models.sse import Frame
from sessionful.ports import CallPiece, Finish, Piece, TextPiece, ThinkingPiece

StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "content_filter"]
_STOP: Mapping[str, StopReason] = {"length": "max_tokens", "content_filter": "content_filter"}


class _Call:
    def __init__(self, slot: int, call_id: str | None) -> None:
        self.slot, self.id, self.has_arguments = slot, call_id or f"call_{sortable_id()}", False
        self.made_up = call_id is None


class ReplyReader:
    """`refusal` makes the error of what the server says in place of a chunk."""

    def __init__(self, refusal: Callable[[int | None, str], AgentError]) -> None:
        self.done = False
        self._refusal = refusal
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._finish_reason: str | None = None
        self._refused = False
        self._usage = Usage()

    def read(self, frame: Frame) -> Iterator[Piece]:
        if frame.data.strip() == "[DONE]":
            yield from self._finish()
            return
        chunk = json.loads(frame.data)
        if frame.event == "error" or chunk.get("error"):
            raise self._error(chunk.get("error") or chunk)
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = _usage(usage)
        for choice in (chunk.get("choices") or [])[:1]:
            yield from self._delta(choice.get("delta") or choice.get("message") or {})
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def end(self) -> Iterator[Piece]:
        """Servers forget `[DONE]`; a reply with a reason to stop is whole all the same."""
        if self._finish_reason is None:
            raise ModelError("the model's answer broke off")
        yield from self._finish()

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Piece]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            yield ThinkingPiece(thought)
        for text in _texts(delta.get("content")):
            yield TextPiece(text)
        if refusal := delta.get("refusal"):
            self._refused = True
            yield TextPiece(refusal)
        for fragment in delta.get("tool_calls") or ():
            yield self._fragment(fragment)

    def _fragment(self, fragment: Mapping[str, Any]) -> CallPiece:
        function = fragment.get("function") or {}
        arguments = function.get("arguments")
        if arguments is None or arguments == "":
            text = ""
        else:
            text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        call = self._known(fragment, function)
        if call is None:
            call = self._opened(fragment)
            call.has_arguments = bool(text)
            return CallPiece(call.slot, call.id, function.get("name") or "", text)
        call.has_arguments = call.has_arguments or bool(text)
        return CallPiece(call.slot, json=text)

    def _known(self, fragment: Mapping[str, Any], function: Mapping[str, Any]) -> _Call | None:
        """The call that a fragment goes on with. An id that was not seen yet opens a call whatever the index says:
        some servers send whole calls, all of them as number 0, or with no number."""
        index, call_id = fragment.get("index"), fragment.get("id")
        if isinstance(index, int):
            call = self._by_index.get(index)
            return call if call is None or not call_id or call.made_up or call_id == call.id else None
        if call_id:
            return next((call for call in self._calls if call.id == call_id), None)
        return None if function.get("name") or not self._calls else self._calls[-1]

    def _opened(self, fragment: Mapping[str, Any]) -> _Call:
        call_id = fragment.get("id")
        taken = any(call.id == call_id for call in self._calls)
        call = _Call(len(self._calls), call_id if call_id and not taken else None)
        self._calls.append(call)
        if isinstance(index := fragment.get("index"), int):
            self._by_index[index] = call
        return call

    def _finish(self) -> Iterator[Piece]:
        if self.done:
            return
        for call in self._calls:
            if not call.has_arguments:
                yield CallPiece(call.slot, json="{}")
        default: StopReason = "tool_use" if self._calls else "end_turn"
        stop = "content_filter" if self._refused else _STOP.get(self._finish_reason or "", default)
        self.done = True
        yield Finish(stop, self._usage)

    def _error(self, error: Any) -> AgentError:
        if not isinstance(error, dict):
            return self._refusal(None, str(error))
        code, kind = error.get("code"), f"{error.get('type')} {error.get('code')}"
        status = code if isinstance(code, int) and 400 <= code < 600 else None
        if status is None and "rate_limit" in kind:
            status = 429
        elif status is None and "server_error" in kind:
            status = 500
        return self._refusal(status, str(error.get("message") or kind))


def _texts(content: Any) -> Iterator[str]:
    """A string, or (Mistral) a list of parts."""
    if isinstance(content, str):
        content = [{"text": content}]
    for part in content or ():
        if isinstance(part, dict) and isinstance(text := part.get("text"), str) and text:
            yield text


def _usage(usage: Mapping[str, Any]) -> Usage:
    """DeepSeek counts cached tokens in a field of its own."""
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cached_tokens=details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0,
        cache_write_tokens=details.get("cache_write_tokens") or 0,
    )
