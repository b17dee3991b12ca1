"""Chat Completions, the wire of OpenAI and of every server that speaks like it (vLLM, Ollama, llama.cpp, LiteLLM)."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

from sessionful.domain.message import Message
from sessionful.models.endpoint import Endpoint, key_from_environment
from sessionful.models.openai_reply import ReplyReader
from sessionful.models.openai_request import response_format, sent_messages, sent_tool
from sessionful.models.options import spelled
from sessionful.models.retry import Retry
from sessionful.models.tokens import openai_tokens
from sessionful.ports import ModelRequest, Piece

_OFFICIAL = "api.openai.com"


class OpenAIModel:
    """The HTTP API itself, without the vendor's SDK, whose import alone takes half a second.

    `api_key`: may also stand in OPENAI_API_KEY, which is sent to api.openai.com and to the server that OPENAI_BASE_URL
    names, and to no other; other servers need no key. `timeout`: the longest silence, in seconds. `options`: defaults
    below each request's own. `headers` and `extra` (fields of the request's body, such as `reasoning_effort`) are sent
    as they are.

    What servers disagree about: `max_tokens_field` is `max_completion_tokens` for OpenAI and Azure, whose newer models
    refuse the old name, and `max_tokens` elsewhere. `include_usage=False` is for servers that refuse `stream_options`;
    the usage is then zero. `thinking_field` sends the reasoning behind tool calls back under that name: DeepSeek wants
    `reasoning_content` (its default there), OpenAI refuses it. `images=False` is for models that only read: they would
    refuse every later request too, so they are told in words that there was a picture.
    """

    def __init__(
        self,
        model: str,
        api_key: str | None = None,
        base_url: str = f"https://{_OFFICIAL}/v1",
        timeout: float = 120.0,
        max_retries: int = 2,
        options: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        max_tokens_field: str | None = None,
        include_usage: bool = True,
        thinking_field: str | None = None,
        images: bool = True,
        retry: Retry | None = None,
    ) -> None:
        host = urlsplit(base_url).hostname or ""
        self._official = host == _OFFICIAL
        key = api_key or key_from_environment("OPENAI", base_url, self._official)
        self._keyless = self._official and not key
        bearer = {"authorization": f"Bearer {key}"} if key else {}
        sent = {"content-type": "application/json", **bearer, **(headers or {})}
        self._endpoint = Endpoint(
            host or "the model's server",
            base_url.rstrip("/") + "/chat/completions",
            sent,
            timeout,
            secrets=[key or "", *(headers or {}).values()],
        )
        self._model, self._host = model, host
        self._options, self._extra = options or {}, extra or {}
        new_name = self._official or host.endswith(".azure.com")
        limit = max_tokens_field or ("max_completion_tokens" if new_name else "max_tokens")
        self._names = {"max_tokens": limit} | {name: name for name in ("temperature", "top_p", "stop", "seed")}
        self._include_usage, self._images = include_usage, images
        self._thinking_field = thinking_field or ("reasoning_content" if host.endswith("deepseek.com") else None)
        self._retry = retry or Retry(max_retries)

    @property
    def name(self) -> str:
        return self._model

    def __repr__(self) -> str:
        return f"OpenAIModel({self._model!r}, host={self._host!r})"

    def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """See ports.Model. Raises ModelAuthentication when there is no key for a host that needs one."""
        if self._keyless:
            raise self._endpoint.no_key("OPENAI_API_KEY")
        body = self.body(request)
        return self._retry.pieces(lambda: self._endpoint.exchange(body, ReplyReader(self._endpoint.refusal)))

    def tokens(self, message: Message) -> int:
        """See core.memory.tokens. An estimate."""
        return openai_tokens(self._model, message)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self._endpoint.close()

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request as it is sent. Raises InvalidRequest for an option that this wire does not have."""
        messages = sent_messages(request, self._images, self._thinking_field)
        body: dict[str, Any] = {"model": self._model, "messages": messages, "stream": True}
        if self._include_usage:
            body["stream_options"] = {"include_usage": True}
        if request.tools:
            body["tools"] = [sent_tool(spec) for spec in request.tools]
        if request.schema is not None and (form := response_format(request.schema, self._official)):
            body["response_format"] = form
        return {**body, **spelled("this model", self._names, self._options, request.options), **self._extra}
