"""A model that says again what a stored turn holds."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence

from sessionful.domain.error import ModelError, error_from
from sessionful.domain.message import Message, Text, Thinking, ToolCall
from sessionful.domain.turn import Entry
from sessionful.ports import CallPiece, Finish, ModelRequest, Piece, TextPiece, ThinkingPiece


class RecordedModel:
    """Plays the replies of one turn's entries, oldest first. A reply that broke off breaks off again, with the error
    that ended its turn. Raises ModelError when it is asked for more replies than are stored."""

    name = "recorded"

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = iter(entries)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        entry = next(self._entries, None)
        if entry is None or entry.reply is None:
            raise ModelError("no further reply is stored")
        for piece in _pieces(entry.reply, entry.torn):
            yield piece
        if entry.torn and entry.ending is not None and entry.ending.error is not None:
            raise error_from(entry.ending.error)
        # What was stored came from a Finish once, so its reason is one of them.
        yield Finish(entry.stop_reason, entry.usage)  # type: ignore[arg-type]


def _pieces(reply: Message, torn: bool) -> Iterator[Piece]:
    """Where two parts of a kind are neighbours in a reply that broke off, a call stood between them: calls of such a
    reply are not kept."""
    for slot, part in enumerate(reply.parts):
        if torn and slot and part.type == reply.parts[slot - 1].type:
            yield CallPiece(len(reply.parts) + slot)
        if isinstance(part, Text):
            yield TextPiece(part.text)
        elif isinstance(part, Thinking):
            if part.text:
                yield ThinkingPiece(part.text)
            if part.signature or part.redacted:
                yield ThinkingPiece("", part.signature, part.redacted)
        elif isinstance(part, ToolCall):
            written = part.invalid if part.invalid is not None else json.dumps(part.arguments, ensure_ascii=False)
            yield CallPiece(slot, part.id, part.name, written)
