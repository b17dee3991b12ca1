"""A server's routes as they are called: a request, a stream of frames, and its errors as our own."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from sessionful.cli.caller import Caller
from sessionful.cli.failure import WRONG_USAGE, CommandFailed
from sessionful.cli.sse import Frame, frames
from sessionful.domain.error import error_from

_CONNECT, _WAIT = 10.0, 60.0  # seconds; a stream's heartbeat comes every 15


class Unreachable(CommandFailed):
    """There is no server at that address, or no way to it."""


class StreamBroke(Exception):
    """The line was lost after the request had gone out: the turn may be running."""


class Wire:
    def __init__(self, url: str, token: str | None = None) -> None:
        address = _address(url)
        self._url = str(address.copy_with(username=None, password=None))
        self._client = httpx.AsyncClient(
            base_url=address,
            auth=Caller(address, token),
            timeout=httpx.Timeout(_WAIT, connect=_CONNECT),
            verify=address.scheme == "https",  # plain HTTP needs no certificates, and reading them takes 80 ms
        )

    async def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON, or None where it has none. Raises what the server answers as one of our errors."""
        try:
            response = await self._client.request(method, path, json=body, params=_given(query))
        except httpx.RequestError as error:
            raise self._unreachable(error) from None
        if not response.is_success:
            raise self._refused(response)
        answer = _read(response.content)
        if answer is None and response.content:
            raise CommandFailed(f"{self._url} did not answer in JSON; is that a sessionful server?", "bad_answer")
        return answer

    async def stream(
        self, method: str, path: str, body: Any, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[Frame, None]:
        """Raises StreamBroke when the line is lost, whenever that is; the stream's end is for the caller to judge."""
        try:
            async with self._client.stream(
                method, path, json=body, params=_given(query), headers={"accept": "text/event-stream", **headers}
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise self._refused(response)
                async for frame in frames(response.aiter_lines()):
                    yield frame
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from None
        except httpx.RequestError as error:
            raise StreamBroke(str(error)) from None

    async def close(self) -> None:
        await self._client.aclose()

    def _unreachable(self, error: httpx.RequestError) -> Unreachable:
        why = str(error) or type(error).__name__
        return Unreachable(f"no answer from {self._url}: {why}", "unreachable")

    def _refused(self, response: httpx.Response) -> Exception:
        answer = _read(response.content)
        error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(error, dict) and "code" in error:
            return error_of(error)
        status = f"{response.status_code} {response.reason_phrase}".strip()
        if response.status_code in (401, 403):  # by what stands in front of the server
            return CommandFailed(
                f"{self._url} answered {status}: it does not take you for anybody it knows", "forbidden"
            )
        return CommandFailed(f"{self._url} answered {status}; is that a sessionful server?", "bad_answer")


def error_of(error: Mapping[str, Any]) -> Exception:
    """`{code, message, details}` as the error it was when the server raised it."""
    known = error_from(error)
    return known if known.code == error["code"] else CommandFailed(known.message, str(error["code"]))


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
        right = address.scheme in ("http", "https") and bool(address.host)
    except httpx.InvalidURL:
        right = False
    if not right:
        raise CommandFailed(f"--url is an http:// or https:// address, not {url!r}", "invalid_request", WRONG_USAGE)
    return address


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _given(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value is not None}
