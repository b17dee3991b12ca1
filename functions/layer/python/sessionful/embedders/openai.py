"""`/embeddings` of OpenAI and of every server that speaks like it (Ollama, vLLM, llama.cpp, LiteLLM)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sessionful.domain.error import ConfigError, ModelError
from sessionful.embedders.vectors import embeddable, nowhere, side_by_side, unit
from sessionful.models.endpoint import Endpoint, key_from_environment
from sessionful.models.retry import Retry

_OFFICIAL = "api.openai.com"
_WHOLE = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_CAN_BE_SHORTER = "text-embedding-3-"
_TEXTS = 256  # in one request; the API takes 2048
_BYTES = 250_000  # in one request; the API takes 300,000 tokens, and a token has a byte or more
_SIDE_BY_SIDE = 4


class OpenAIEmbedder:
    """`dimensions`: how long a vector is. OpenAI's `text-embedding-3-*` are asked for that length; with any other model
    it has to say what the model gives, and nothing is asked for. `api_key`: may also stand in OPENAI_API_KEY, which is
    sent to api.openai.com and to the server that OPENAI_BASE_URL names, and to no other. `timeout`: the longest
    silence, in seconds. Raises ConfigError for a model whose dimensions nobody says."""

    related = 0.3  # assumed: nobody here has measured it

    def __init__(
        self,
        model: str = "text-embedding-3-small",
        api_key: str | None = None,
        base_url: str = f"https://{_OFFICIAL}/v1",
        dimensions: int | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        *,
        headers: Mapping[str, str] | None = None,
        retry: Retry | None = None,
    ) -> None:
        whole = _WHOLE.get(model)
        if (length := dimensions or whole) is None:
            raise ConfigError(f"an embedder with the model {model!r} needs 'dimensions'", key="dimensions")
        shorter = {"dimensions": length} if model.startswith(_CAN_BE_SHORTER) and length != whole else {}
        host = urlsplit(base_url).hostname or ""
        key = api_key or key_from_environment("OPENAI", base_url, host == _OFFICIAL)
        self._keyless = host == _OFFICIAL and not key
        bearer = {"authorization": f"Bearer {key}"} if key else {}
        self._endpoint = Endpoint(
            host or "the embedder's server",
            base_url.rstrip("/") + "/embeddings",
            {"content-type": "application/json", "accept": "application/json", **bearer, **(headers or {})},
            timeout,
            secrets=[key or "", *(headers or {}).values()],
        )
        self._fields = {"model": model, "encoding_format": "float", **shorter}
        self._model, self._host, self._dimensions = model, host, length
        self._retry = retry or Retry(max_retries)

    @property
    def name(self) -> str:
        return f"openai:{self._model}:{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def __repr__(self) -> str:
        return f"OpenAIEmbedder({self._model!r}, host={self._host!r}, dimensions={self._dimensions})"

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See ports.Embedder. Raises ModelAuthentication when there is no key for a host that needs one."""
        if self._keyless:
            raise self._endpoint.no_key("OPENAI_API_KEY")
        sent = [embeddable(text) for text in texts]
        batches = list(_batches([text for text in sent if text]))
        answers = await side_by_side([partial(self._ask, batch) for batch in batches], _SIDE_BY_SIDE)
        found = iter([vector for answer in answers for vector in answer])
        return [next(found) if text else nowhere(self._dimensions) for text in sent]

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self._endpoint.close()

    async def _ask(self, batch: list[str]) -> list[tuple[float, ...]]:
        answer = await self._retry.whole(partial(self._endpoint.document, {**self._fields, "input": batch}))
        return [unit(vector, self._dimensions, self._model) for vector in self._in_order(answer, len(batch))]

    def _in_order(self, answer: Any, count: int) -> list[Any]:
        try:
            found = {entry["index"]: entry["embedding"] for entry in answer["data"]}
            return [found[place] for place in range(count)]
        except (KeyError, TypeError) as error:
            raise ModelError(f"the answer of {self._host} does not have the form of its API") from error


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        more = len(text.encode())
        if batch and (len(batch) == _TEXTS or size + more > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += more
    if batch:
        yield batch
