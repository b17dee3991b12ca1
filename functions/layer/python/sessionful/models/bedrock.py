"""Amazon Bedrock's ConverseStream, over boto3."""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

from sessionful.core.memory.tokens import estimated_tokens
from sessionful.domain.message import Message
from sessionful.models.bedrock_client import runtime_client
from sessionful.models.bedrock_reply import ReplyReader, failed
from sessionful.models.bedrock_request import request_fields
from sessionful.models.options import spelled
from sessionful.models.retry import Retry
from sessionful.models.threaded import Interrupt, from_thread
from sessionful.models.tokens import claude_tokens
from sessionful.ports import ModelRequest, Piece

_NAMES = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
_KEEPS_PROMPTS = re.compile(r"anthropic\.claude-(?!v\d|instant|3-)|claude-3-7-sonnet|claude-3-5-haiku")
_HELD_TO_SCHEMA = re.compile(r"anthropic\.claude-(?!v\d|instant|3-|(?:opus|sonnet)-4-(?:1-|2025))")


class BedrockModel:
    """`model`: the id of a model or of an inference profile, or an ARN.

    `region` and the credentials are found as boto3 finds them. `client`: a bedrock-runtime client to use as it is; the
    one made here leaves the retries to `max_retries`. `timeout`: the longest silence, in seconds. `options`: defaults
    below each request's own. `extra`: further fields of the request, such as `additionalModelRequestFields` or
    `guardrailConfig`, sent as they are. `cache`: whether to set cache points; the default is yes for the Claude models
    that take them, by id, and no for all others, because a model that does not know them refuses the whole request
    (Nova's documentation and its answers disagree; switched on, it gets none behind the tools). `structured`: likewise
    for `outputConfig`, which holds a model to a JSON schema; the default is yes for Claude from 4.5 on.
    """

    def __init__(
        self,
        model: str,
        region: str | None = None,
        client: Any = None,
        timeout: float = 120.0,
        max_retries: int = 2,
        options: Mapping[str, Any] | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        cache: bool | None = None,
        structured: bool | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._model, self._region, self._timeout = model, region, timeout
        self._given = self._made = client
        self._lock = threading.Lock()
        self._options, self._extra = options or {}, extra or {}
        self._cache = bool(_KEEPS_PROMPTS.search(model)) if cache is None else cache
        self._structured = bool(_HELD_TO_SCHEMA.search(model)) if structured is None else structured
        self._retry = retry or Retry(max_retries)

    @property
    def name(self) -> str:
        return self._model

    def __repr__(self) -> str:
        return f"BedrockModel({self._model!r}, region={self._region!r})"

    def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """See ports.Model."""
        fields = self.body(request)
        return self._retry.pieces(lambda: from_thread(lambda interrupt: self._converse(fields, interrupt)))

    def tokens(self, message: Message) -> int:
        """See core.memory.tokens. An estimate, for other models than Claude with rates that fit no known tokenizer."""
        return claude_tokens(self._model, message) if "claude" in self._model else estimated_tokens(message)

    async def close(self) -> None:
        """Close the connections of the client made here; one that was given in is its owner's."""
        await asyncio.to_thread(self._close)

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The arguments of converse_stream. Raises InvalidRequest for an option that Converse does not have."""
        fields = request_fields(self._model, request, self._cache, self._structured, self.tokens)
        if inference := spelled("Converse", _NAMES, self._options, request.options):
            fields["inferenceConfig"] = inference
        return {"modelId": self._model, **fields, **self._extra}

    def _converse(self, fields: Mapping[str, Any], interrupt: Interrupt) -> Iterator[Piece]:
        """In the thread: imports, credentials and sockets block."""
        reader = ReplyReader()
        try:
            with closing(self._client().converse_stream(**fields)["stream"]) as events:
                interrupt.on(lambda: _hang_up(events))
                for event in events:
                    yield from reader.read(event)
                yield from reader.end()
        except Exception as error:
            raise failed(error) from error

    def _close(self) -> None:
        with self._lock:
            client, self._made = self._made, self._given
        if client is not None and client is not self._given:
            client.close()

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = runtime_client(self._region, self._timeout)
            return self._made


def _hang_up(events: Any) -> None:
    """End a read that blocks in another thread. Closing would wait for the buffer's lock, which the reader holds, so
    the socket is shut down (urllib3 >= 2.3; with an older one the thread ends at its next event)."""
    with suppress(AttributeError, OSError, RuntimeError, ValueError):
        events._raw_stream.shutdown()
