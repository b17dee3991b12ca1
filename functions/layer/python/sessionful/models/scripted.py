"""A model that says what it was told to say: for tests, samples and trying things without any model at all."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from sessionful.domain.message import Message
from sessionful.domain.usage import Usage
from sessionful.ports import CallPiece, Finish, ModelRequest, Piece, TextPiece, ThinkingPiece

Reply = str | Message | Exception | Sequence[Piece] | Callable[[ModelRequest], Any]


def echo(request: ModelRequest) -> str:
    """The default script: answers with what it heard, and how much of the past it was shown."""
    said = request.messages[-1].text if request.messages else ""
    return f"You said: {said} ({len(request.messages)} messages in view)"


class ScriptedModel:
    """Plays `replies` one after the other, the last one for ever; with none, it echoes.

    A reply is a text (streamed word by word), a Message with tool calls, an exception to raise, a sequence of pieces,
    or a function of the request that gives one of these (or a coroutine or an async iterator of pieces). `delay` is
    the time between two pieces in seconds. `requests` keeps what it was asked. Usage counts words.
    """

    def __init__(self, replies: Sequence[Reply] = (), *, delay: float = 0.0, name: str = "scripted") -> None:
        self._replies: Sequence[Reply] = replies or [echo]
        self._delay = delay
        self._name = name
        self.requests: list[ModelRequest] = []

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        turn = len(self.requests)
        self.requests.append(request)
        reply: Any = self._replies[min(turn, len(self._replies) - 1)]
        if callable(reply):
            reply = reply(request)
        if asyncio.iscoroutine(reply):
            reply = await reply
        if isinstance(reply, Exception):
            raise reply
        if hasattr(reply, "__aiter__"):
            async for piece in reply:
                yield piece
            return
        for piece in _pieces(reply, request):
            if self._delay:
                await asyncio.sleep(self._delay)
            yield piece


def _pieces(reply: str | Message | Sequence[Piece], request: ModelRequest) -> Sequence[Piece]:
    if not isinstance(reply, str | Message):
        return reply
    message = Message.assistant(reply) if isinstance(reply, str) else reply
    pieces: list[Piece] = []
    for slot, part in enumerate(message.parts):
        if part.type == "text":
            pieces.extend(TextPiece(word) for word in _words(part.text))
        elif part.type == "thinking":
            pieces.append(ThinkingPiece(part.text, part.signature, part.redacted))
        elif part.type == "tool_call":
            arguments = part.invalid if part.invalid is not None else _json(part.arguments)
            pieces.append(CallPiece(slot, part.id, part.name, arguments))
    heard = sum(len(_words(m.text)) for m in request.messages) + len(_words(request.system or ""))
    usage = Usage(input_tokens=heard, output_tokens=sum(isinstance(p, TextPiece) for p in pieces))
    return [*pieces, Finish("tool_use" if message.tool_calls else "end_turn", usage)]


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*$|\s*\S+", text) or ([text] if text else [])


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
