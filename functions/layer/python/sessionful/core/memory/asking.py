"""Asks a model something beside the conversation: without its instructions and its tools."""

from collections.abc import AsyncIterator
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from sessionful.core.answer import TypeAnswer, correction, instruction
from sessionful.domain.message import Message
from sessionful.ports import Finish, Model, ModelRequest, Piece, TextPiece

S = TypeVar("S", bound=BaseModel)

_OPTIONS = {"max_tokens": 2000}  # room for a model that thinks first; small ones may never stop by themselves


class Said(NamedTuple):
    """`cut`: at the limit of its length."""

    text: str
    cut: bool


async def reply_to(model: Model, request: ModelRequest) -> Said:
    """Raises what the model raises."""
    pieces = model.stream(request)
    said, cut = list[str](), False
    try:
        async for piece in pieces:
            if isinstance(piece, TextPiece):
                said.append(piece.text)
            elif isinstance(piece, Finish):
                cut = piece.stop_reason == "max_tokens"
    finally:
        await _close(pieces)
    return Said("".join(said).strip(), cut)


async def filled_in(model: Model, system: str, text: str, shape: type[S]) -> S | None:
    """The reply as `shape`; None when it does not fit, also after the model was told so, or finds no end. Raises what
    the model raises."""
    answer = TypeAnswer(shape)
    messages = [Message.user(text)]
    for _ in range(2):
        asked = f"{system}\n\n{instruction(answer)}"
        reply = await reply_to(model, ModelRequest(messages, asked, schema=answer.schema, options=_OPTIONS))
        try:
            filled: S = answer.parse(answer.check(reply.text))
            return filled
        except ValueError as problem:
            if reply.cut:
                return None
            messages = [*messages, Message.assistant(reply.text or "{}"), Message.user(correction(str(problem)))]
    return None


async def _close(pieces: AsyncIterator[Piece]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()
