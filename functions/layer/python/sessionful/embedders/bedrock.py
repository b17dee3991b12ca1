"""Titan Text Embeddings V2 on Amazon Bedrock, over boto3."""

import asyncio
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sessionful.domain.error import ConfigError, ModelError
from sessionful.embedders.vectors import embeddable, nowhere, side_by_side, unit
from sessionful.models.bedrock_client import runtime_client
from sessionful.models.bedrock_reply import failed
from sessionful.models.retry import Retry

TITAN = "amazon.titan-embed-text-v2:0"
_DIMENSIONS = (1024, 512, 256)
_SIDE_BY_SIDE = 8  # requests, and threads: each request embeds one text


class BedrockEmbedder:
    """`model`: Titan V2's id, or the ARN of something that serves it. `dimensions`: 1024, 512 or 256. `region` and the
    credentials are found as boto3 finds them. `client`: a bedrock-runtime client to use as it is. `timeout`: the
    longest silence, in seconds. Raises ConfigError for other models and dimensions."""

    related = 0.3  # assumed: nobody here has measured it

    def __init__(
        self,
        model: str = TITAN,
        region: str | None = None,
        dimensions: int = _DIMENSIONS[0],
        client: Any = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        *,
        retry: Retry | None = None,
    ) -> None:
        if model != TITAN and not model.startswith("arn:"):
            raise ConfigError(f"on Bedrock there is no embedder for the model {model!r}", key="model", known=[TITAN])
        if dimensions not in _DIMENSIONS:
            known = [str(length) for length in _DIMENSIONS]
            raise ConfigError(f"{TITAN} gives vectors of {', '.join(known)}", key="dimensions", known=known)
        self._model, self._region, self._dimensions, self._timeout = model, region, dimensions, timeout
        self._given = self._made = client
        self._lock = threading.Lock()
        # Threads of its own: the loop's pool serves the stores.
        self._threads = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="bedrock-embedder")
        self._retry = retry or Retry(max_retries)

    @property
    def name(self) -> str:
        return f"bedrock:{TITAN}:{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def __repr__(self) -> str:
        return f"BedrockEmbedder({self._model!r}, region={self._region!r}, dimensions={self._dimensions})"

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """See ports.Embedder. A request a text, eight at a time."""
        sent = [embeddable(text) for text in texts]
        found = iter(await side_by_side([partial(self._ask, text) for text in sent if text], _SIDE_BY_SIDE))
        return [next(found) if text else nowhere(self._dimensions) for text in sent]

    async def close(self) -> None:
        """Close the connections of the client made here; one that was given in is its owner's."""
        await asyncio.to_thread(self._close)

    async def _ask(self, text: str) -> tuple[float, ...]:
        loop = asyncio.get_running_loop()
        answer = await self._retry.whole(lambda: loop.run_in_executor(self._threads, self._invoke, text))
        try:
            return unit(answer["embedding"], self._dimensions, TITAN)
        except (KeyError, TypeError) as error:
            raise ModelError(f"the answer of {TITAN} does not have the form of its API") from error

    def _invoke(self, text: str) -> Any:
        """In a thread: imports, credentials and sockets block."""
        body = json.dumps({"inputText": text, "dimensions": self._dimensions, "normalize": True})
        try:
            answer = self._client().invoke_model(
                modelId=self._model, body=body, contentType="application/json", accept="application/json"
            )
            return json.loads(answer["body"].read())
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
                self._made = runtime_client(self._region, self._timeout, _SIDE_BY_SIDE)
            return self._made
