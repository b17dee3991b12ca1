"""Anthropic's Messages API, over HTTP."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from sessionful.domain.message import Message
from sessionful.models.anthropic_reply import ReplyReader
from sessionful.models.anthropic_request import output_format, request_fields
from sessionful.models.endpoint import Endpoint, key_from_environment
from sessionful.models.options import spelled
from sessionful.models.retry import Retry
from sessionful.models.tokens import claude_tokens
from sessionful.ports import ModelRequest, Piece

_OFFICIAL = "api.anthropic.com"
_WITHOUT_SAMPLING = "2026-10-21"  # the first API version without temperature and top_p


class AnthropicModel:
    """The HTTP API itself, without the vendor's SDK, whose import takes more than a second.

    `api_key`: may also stand in ANTHROPIC_API_KEY, which is sent to api.anthropic.com and to the server that
    ANTHROPIC_BASE_URL names, and to no other; other servers need no key. `timeout`: the longest silence, in seconds.
    `options`: defaults below each request's own; the API requires `max_tokens`, 8192 if nobody says. `headers` and
    `extra` (fields of the request's body, such as `thinking` or `output_config`) are sent as they are.

    `version`: the default is the one that every model and every look-alike server takes; from 2026-10-21 on there is no
    temperature and no top_p. `cache`: how long the prompt's beginning is kept (see cache_points), or
    None. `structured=False` is for models before Claude 4.5, which cannot be
    held to a schema.
    """

    def __init__(
        self,
        model: str,
        api_key: str | None = None,
        base_url: str = f"https://{_OFFICIAL}",
        timeout: float = 120.0,
        max_retries: int = 2,
        options: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        version: str = "2023-06-01",
        cache: Literal["5m", "1h"] | None = "5m",
        structured: bool = True,
        retry: Retry | None = None,
    ) -> None:
        host = urlsplit(base_url).hostname or ""
        key = api_key or key_from_environment("ANTHROPIC", base_url, host == _OFFICIAL)
        self._keyless = host == _OFFICIAL and not key
        own = {"content-type": "application/json", "anthropic-version": version} | ({"x-api-key": key} if key else {})
        self._endpoint = Endpoint(
            host or "the model's server",
            base_url.rstrip("/").removesuffix("/v1") + "/v1/messages",
            {**own, **(headers or {})},
            timeout,
            secrets=[key or "", *(headers or {}).values()],
        )
        self._model, self._host = model, host
        self._options, self._extra = {"max_tokens": 8192, **(options or {})}, extra or {}
        self._names = {"max_tokens": "max_tokens", "stop": "stop_sequences"}
        if version < _WITHOUT_SAMPLING:
            self._names |= {"temperature": "temperature", "top_p": "top_p"}
        self._mark = {"type": "ephemeral"} | ({"ttl": "1h"} if cache == "1h" else {}) if cache else None
        self._structured = structured
        self._retry = retry or Retry(max_retries)

    @property
    def name(self) -> str:
        return self._model

    def __repr__(self) -> str:
        return f"AnthropicModel({self._model!r}, host={self._host!r})"

    def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """See ports.Model. Raises ModelAuthentication when there is no key for a host that needs one."""
        if self._keyless:
            raise self._endpoint.no_key("ANTHROPIC_API_KEY")
        body = self.body(request)
        return self._retry.pieces(lambda: self._endpoint.exchange(body, ReplyReader(self._endpoint.refusal)))

    def tokens(self, message: Message) -> int:
        """See core.memory.tokens. An estimate."""
        return claude_tokens(self._model, message)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self._endpoint.close()

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request as it is sent. Raises InvalidRequest for an option that this API does not have."""
        own = {"model": self._model, **request_fields(self._model, request, self._mark), "stream": True}
        body = {**own, **spelled("this API", self._names, self._options, request.options), **self._extra}
        if request.schema is not None and self._structured and (form := output_format(request.schema)):
            body["output_config"] = {**body.get("output_config", {}), "format": form}
        return body
