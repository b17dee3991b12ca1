"""Models: one request, one reply, piece by piece."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from sessionful.domain.message import Message
from sessionful.domain.usage import Usage
from sessionful.ports.tool import ToolSpec


class ModelRequest(NamedTuple):
    """Messages of role system that somebody put into the history count as more of `system`. `schema` asks for an answer
    that fits this JSON schema where the vendor can enforce one. `options` are temperature, max_tokens, top_p, stop and
    seed; an adapter refuses what its vendor lacks."""

    messages: Sequence[Message]
    system: str | None = None
    tools: Sequence[ToolSpec] = ()
    schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = {}


class TextPiece(NamedTuple):
    text: str


class ThinkingPiece(NamedTuple):
    """`signature` and `redacted` come once, at the end of a block of thinking."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class CallPiece(NamedTuple):
    """A piece of a tool call: `slot` tells calls apart; id and name come with the first piece; `json` is a fragment."""

    slot: int
    id: str = ""
    name: str = ""
    json: str = ""


class Finish(NamedTuple):
    """Exactly one, the last piece."""

    stop_reason: Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "content_filter"]
    usage: Usage


Piece = TextPiece | ThinkingPiece | CallPiece | Finish


class Model(Protocol):
    """A language model. `name` is what users are told answers them."""

    @property
    def name(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        """One reply, piece by piece. Raises ModelError, ModelUnavailable, RateLimited or InvalidRequest; retries are
        made before the first piece only. Closing the iterator stops the model."""
        ...
