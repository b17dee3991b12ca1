"""Put a model's pieces together: the message it amounts to, and the deltas to tell on the way."""

import json
from collections.abc import Iterator
from typing import Literal

from sessionful.domain.error import ModelError
from sessionful.domain.event import TextDelta, ThinkingDelta
from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall, storable
from sessionful.domain.usage import Usage
from sessionful.ports import CallPiece, Finish, Piece, TextPiece, ThinkingPiece


class _Call:
    def __init__(self) -> None:
        self.id, self.name, self.json = "", "", ""

    def part(self, call_id: str) -> ToolCall:
        try:
            arguments = json.loads(self.json or "{}")
            json.dumps(arguments, ensure_ascii=False).encode()  # half a surrogate pair can be escaped, not stored
        except ValueError:
            arguments = None
        if isinstance(arguments, dict):
            return ToolCall(id=call_id, name=self.name, arguments=arguments)
        return ToolCall(id=call_id, name=self.name, invalid=storable(self.json))


class Reply:
    """The parts keep the order they began in, which some vendors check. Texts and thinking are told as they come,
    tool calls when all is said."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Literal["text", "thinking", "call"], list[str]]] = []
        self._signatures: dict[int, tuple[str | None, str | None]] = {}
        self._calls: dict[int, _Call] = {}
        self.finish: Finish | None = None

    def take(self, piece: Piece) -> Iterator[TextDelta | ThinkingDelta]:
        if isinstance(piece, TextPiece):
            if text := storable(piece.text):
                yield TextDelta(text=text, index=self._block("text", text))
        elif isinstance(piece, ThinkingPiece):
            if text := storable(piece.text):
                yield ThinkingDelta(text=text, index=self._block("thinking", text))
            if piece.signature or piece.redacted:
                self._sign(piece)
        elif isinstance(piece, CallPiece):
            if piece.slot not in self._calls:
                self._calls[piece.slot] = _Call()
                self._blocks.append(("call", []))
            call = self._calls[piece.slot]
            call.id, call.name = call.id or piece.id, call.name or piece.name
            call.json += piece.json
        else:
            self.finish = piece

    def message(self, with_calls: bool = True) -> Message:
        calls = iter(self._named())
        parts: list[Part] = []
        for index, (kind, pieces) in enumerate(self._blocks):
            if kind == "text":
                parts.append(Text(text="".join(pieces)))
            elif kind == "thinking":
                signature, redacted = self._signatures.get(index, (None, None))
                parts.append(Thinking(text="".join(pieces), signature=signature, redacted=redacted))
            elif with_calls:
                call_id, call = next(calls)
                parts.append(call.part(call_id))
        return Message(role="assistant", parts=tuple(parts))

    def _named(self) -> Iterator[tuple[str, _Call]]:
        """Each call with an id that no other of this reply has: some models give none, or the same to all."""
        used = set[str]()
        for slot, call in self._calls.items():
            call_id = call.id or f"call_{slot}"
            while call_id in used:
                call_id = f"{call_id}_{slot}"
            used.add(call_id)
            yield call_id, call

    @property
    def usage(self) -> Usage:
        return self.finish.usage if self.finish else Usage()

    @property
    def stop_reason(self) -> str:
        """Raises ModelError when the model broke off without saying why it stopped."""
        if self.finish is None:
            raise ModelError("the model's answer broke off")
        return self.finish.stop_reason

    def _block(self, kind: Literal["text", "thinking"], text: str) -> int:
        closed = len(self._blocks) - 1 in self._signatures
        if not self._blocks or self._blocks[-1][0] != kind or closed:
            self._blocks.append((kind, []))
        self._blocks[-1][1].append(text)
        return len(self._blocks) - 1

    def _sign(self, piece: ThinkingPiece) -> None:
        last = len(self._blocks) - 1
        fresh = piece.redacted is not None or last < 0 or self._blocks[last][0] != "thinking"
        if fresh or last in self._signatures:
            self._blocks.append(("thinking", []))
            last += 1
        self._signatures[last] = (piece.signature, piece.redacted)
