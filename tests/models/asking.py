"""Requests to ask models with, and the pieces that come back."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from sessionful.domain.message import Image, Message, Text, Thinking, ToolCall, ToolResult
from sessionful.models.retry import Retry
from sessionful.ports import CallPiece, Finish, Model, ModelRequest, Piece, TextPiece, ToolSpec

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n not quite a picture").decode()
RULES = "Answer briefly, in plain words, and say for each fact where you know it from. " * 200
"""Instructions so long that every vendor's cache keeps them."""
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec("weather", "The weather in a city.", PLACE)
CLOCK = ToolSpec("clock", "What time it is.", {"type": "object", "properties": {}})

TOOL_TURN = (
    Message.user([Text(text="What is this, and how is the weather there?"), Image(media_type="image/png", data=PIXEL)]),
    Message.assistant(
        [
            Thinking(text="Looks like Rome.", signature="c2lnbmVk"),
            Text(text="Let me look."),
            ToolCall(id="call_1", name="weather", arguments={"city": "Rome"}),
            ToolCall(id="call_2", name="clock"),
        ]
    ),
    Message(
        role="tool",
        parts=(
            ToolResult(call_id="call_1", name="weather", content="sunny, 24 °C"),
            ToolResult(call_id="call_2", name="clock", content="no clock here", is_error=True),
        ),
    ),
)


def a_request(text: str = "Hello", **fields: Any) -> ModelRequest:
    return ModelRequest(messages=(Message.user(text),), **fields)


def a_tool_turn(system: str = "Be brief.", **fields: Any) -> ModelRequest:
    return ModelRequest(messages=TOOL_TURN, system=system, tools=(WEATHER, CLOCK), **fields)


async def answer(model: Model, request: ModelRequest | None = None) -> list[Piece]:
    return [piece async for piece in model.stream(request or a_request())]


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def calls_of(pieces: list[Piece]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call, by slot."""
    calls: dict[int, list[str]] = {}
    for piece in pieces:
        if isinstance(piece, CallPiece):
            call = calls.setdefault(piece.slot, [piece.id, piece.name, ""])
            call[2] += piece.json
    return [(call_id, name, arguments) for _, (call_id, name, arguments) in sorted(calls.items())]


def finish_of(pieces: list[Piece]) -> Finish:
    """The last piece; it is the only one of its kind."""
    *others, last = pieces
    assert isinstance(last, Finish)
    assert not any(isinstance(piece, Finish) for piece in others)
    return last


class Naps:
    """A sleep that takes no time, and the times it was asked for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def patient(naps: Callable[[float], Awaitable[None]], retries: int = 2) -> Retry:
    return Retry(retries=retries, sleep=naps, draw=lambda: 1.0)
