"""A vendor's HTTP endpoint: one POST, answered by a stream of events that becomes pieces, or by one document."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from sessionful.domain.error import AgentError, ConfigError, ModelAuthentication, ModelError, ModelUnavailable
from sessionful.models.failure import failure, retry_after, words_of
from sessionful.models.sse import Frame, FrameDecoder
from sessionful.ports import Piece

if TYPE_CHECKING:
    import httpx

_CONNECT = 10.0  # seconds
_LONGEST_REFUSAL = 64 * 1024  # bytes read of an error's body
_SHORTEST_SECRET = 8  # characters: a shorter one would blot out innocent words
_FAREWELL = 0.25  # seconds to wait for the end of a body whose last word was said, so that the connection is kept


class Reader(Protocol):
    """Turns a vendor's frames into pieces. `done` is true once it has given Finish."""

    @property
    def done(self) -> bool: ...

    def read(self, frame: Frame) -> Iterator[Piece]: ...

    def end(self) -> Iterator[Piece]:
        """The body has ended. Raises ModelError when the answer is not whole."""
        ...


class Endpoint:
    """`timeout` is the longest silence of the server, in seconds. `secrets` are kept out of every error."""

    def __init__(
        self, vendor: str, url: str, headers: Mapping[str, str], timeout: float, secrets: Iterable[str] = ()
    ) -> None:
        if not url.startswith(("https://", "http://")):
            raise ConfigError("base_url must start with https:// or http://", key="base_url")
        self._vendor, self._url, self._timeout = vendor, url, timeout
        # A compressing proxy in between would hold back the first pieces.
        self._headers = {"accept": "text/event-stream", "accept-encoding": "identity", **headers}
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
        self._clients: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[Any, None]]] = {}

    async def exchange(self, body: Mapping[str, Any], reader: Reader) -> AsyncGenerator[Piece, None]:
        """One request. Closing the generator closes the response and with it the connection."""
        async with self._answer(body) as response:
            async for piece in self._pieces(response, reader):
                yield piece

    async def document(self, body: Mapping[str, Any]) -> Any:
        """One request, and the JSON that answers it."""
        async with self._answer(body) as response:
            content = await response.aread()
        try:
            return json.loads(content)
        except ValueError as error:
            raise ModelError(f"the answer of {self._vendor} is no JSON") from error

    @asynccontextmanager
    async def _answer(self, body: Mapping[str, Any]) -> "AsyncGenerator[httpx.Response, None]":
        import httpx

        client = await self._client()
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        answered = False
        try:
            async with client.stream("POST", self._url, content=content) as response:
                if not response.is_success:
                    raise await self._refused(response)
                answered = True
                yield response
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ModelUnavailable(f"{self._vendor} could not be reached within {_CONNECT:g} s") from error
        except httpx.TimeoutException as error:
            raise ModelError(f"{self._vendor} was silent for {self._timeout:g} s") from error
        except httpx.RequestError as error:
            if answered:
                raise ModelError(f"the answer of {self._vendor} broke off") from error
            raise ModelUnavailable(f"{self._vendor} could not be reached") from error

    def refusal(self, status: int | None, words: str, wait: float | None = None) -> AgentError:
        """The error for what the vendor said, in a status or inside its stream."""
        return failure(self._vendor, status, words, wait, self._secrets)

    def no_key(self, variable: str) -> ModelAuthentication:
        return ModelAuthentication(f"{self._vendor} needs a key: give api_key or set {variable}")

    async def close(self) -> None:
        """Close the running loop's connections. Those of another loop close when that loop ends."""
        _, lifetime = self._clients.get(asyncio.get_running_loop(), (None, None))
        if lifetime is not None:
            await lifetime.aclose()

    async def _pieces(self, response: "httpx.Response", reader: Reader) -> AsyncGenerator[Piece, None]:
        decoder = FrameDecoder()
        async with aclosing(_body(response)) as chunks:
            async for chunk in chunks:
                for frame in decoder.feed(chunk):
                    for piece in self._understood(reader.read(frame)):
                        yield piece
                    if reader.done:
                        await _drained(chunks)
                        return
        for frame in decoder.close():
            for piece in self._understood(reader.read(frame)):
                yield piece
        if not reader.done:
            for piece in self._understood(reader.end()):
                yield piece

    def _understood(self, pieces: Iterator[Piece]) -> list[Piece]:
        try:
            return list(pieces)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ModelError(f"the answer of {self._vendor} does not have the form of its API") from error

    async def _refused(self, response: "httpx.Response") -> AgentError:
        body = b""
        async with aclosing(_body(response)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > _LONGEST_REFUSAL:
                    break
        return self.refusal(response.status_code, words_of(body[:_LONGEST_REFUSAL]), retry_after(response.headers))

    async def _client(self) -> "httpx.AsyncClient":
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            for gone in [known for known in self._clients if known.is_closed()]:
                del self._clients[gone]
            # An HTTP client belongs to a loop. As an async generator its lifetime is the loop's: the end of
            # asyncio.run closes it (loop.shutdown_asyncgens). A weak key would not: open connections hold their loop.
            lifetime = self._lifetime(loop)
            self._clients[loop] = (await anext(lifetime), lifetime)
        return self._clients[loop][0]

    async def _lifetime(self, loop: asyncio.AbstractEventLoop) -> "AsyncGenerator[httpx.AsyncClient, None]":
        import httpx

        client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(self._timeout, connect=min(_CONNECT, self._timeout)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30.0),
            verify=self._url.startswith("https://"),  # plain HTTP needs no certificates, and reading them takes 80 ms
        )
        try:
            yield client
        finally:
            self._clients.pop(loop, None)
            await client.aclose()


def key_from_environment(vendor: str, base_url: str, official: bool) -> str | None:
    """`OPENAI_API_KEY` and its kind: a secret for the vendor's own host, and for the server that the environment names
    beside it (`OPENAI_BASE_URL`). Whatever other server a configuration points to, it does not get it."""
    named = os.environ.get(f"{vendor}_BASE_URL", "").rstrip("/")
    meant = official or (bool(named) and base_url.rstrip("/") == named)
    return os.environ.get(f"{vendor}_API_KEY") if meant else None


def _body(response: "httpx.Response") -> AsyncGenerator[bytes, None]:
    return cast("AsyncGenerator[bytes, None]", response.aiter_bytes())  # which httpx declares as a mere iterator


async def _drained(chunks: AsyncGenerator[bytes, None]) -> None:
    """A connection is only kept when its response was read to the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL):
            async for _ in chunks:
                pass
