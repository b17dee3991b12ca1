"""Requests to whichever server is up: every answer is looked at, and a lost one is asked for again elsewhere."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

PATIENCE = 20.0
"""Seconds until what is asked for again and again must be done, once servers have stopped dying."""

ENDED_BADLY = {"turn_interrupted"}
"""Codes of a turn's own end that have a status above 499."""

_PAUSE = 0.15
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=40)


class OutOfPatience(Exception):
    """What should have been done within the bounds was not."""


class Client:
    """`violations` are answers that no server may ever give. `requests`, `lost` and `refused` are counted.
    `calm_since`: since when servers live on (`time.monotonic()`); None while they die, when nothing is due soon.
    """

    def __init__(self, urls: Sequence[str], seed: int) -> None:
        self.urls = list(urls)
        self.random = random.Random(seed)
        self.violations: list[str] = []
        self.requests = self.lost = self.refused = 0
        self.calm_since: float | None = 0.0
        self.http = httpx.AsyncClient(timeout=httpx.Timeout(8.0), limits=_LIMITS, trust_env=False)

    async def close(self) -> None:
        await self.http.aclose()

    def anywhere(self, path: str) -> str:
        return self.random.choice(self.urls) + path

    async def ask(self, method: str, path: str, **fields: Any) -> httpx.Response | None:
        """One try, at one server. None when no answer came."""
        self.requests += 1
        try:
            response = await self.http.request(method, self.anywhere(path), **fields)
        except httpx.TransportError:
            self.lost += 1
            return None
        self.check(response, response.content)
        return response

    async def insist(self, method: str, path: str, **fields: Any) -> httpx.Response:
        """Until there is an answer that is not about the moment. Raises OutOfPatience."""
        began = time.monotonic()
        while not self.tired(began):
            response = await self.ask(method, path, **fields)
            if response is not None and not self.again(response):
                return response
            await asyncio.sleep(_PAUSE)
        raise OutOfPatience(f"{method} {path} had no answer for {PATIENCE:g} seconds")

    def tired(self, began: float) -> bool:
        """Whether what was begun then should have been done by now."""
        return self.calm_since is not None and time.monotonic() > max(began, self.calm_since) + PATIENCE

    def again(self, response: httpx.Response) -> bool:
        """Whether the server says that another time would do."""
        if response.status_code in (429, 503):
            self.refused += 1
            return True
        return False

    def check(self, response: httpx.Response, body: bytes) -> None:
        """Nothing above 499, unless it says when to come again, or tells how the turn itself ended."""
        status = response.status_code
        if status in (429, 503) and "retry-after" in response.headers:
            return
        if status == 429 or (status >= 500 and _code(response) not in ENDED_BADLY):
            request = response.request
            self.violations.append(f"{request.method} {request.url} was answered {status}: {body[:500]!r}")


def error_code(response: httpx.Response) -> str:
    """Of a body that was read."""
    return _code(response)


def _code(response: httpx.Response) -> str:
    try:
        body: Mapping[str, Any] = response.json()
        return str(body["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
