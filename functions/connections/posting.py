"""Frames on their way to a client: API Gateway keeps the socket, and takes what is to be sent as a request."""

import asyncio
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sessionful.domain.error import AgentError, RateLimited, StoreUnavailable

_TRIES = 8
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0
_THREADS = 32

_REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")
_THROTTLED = ("LimitExceeded", "Throttling", "TooManyRequests")


class Gone(Exception):
    """Nobody is at the other end any more."""


class Posting:
    """What is asked for again because its answer was lost may arrive twice; every frame of a turn has an `id` by which
    its reader knows it."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sessionful-posting")

    async def post(self, endpoint: str, connection: str, text: str) -> None:
        """Waits, for some seconds, until a client that reads too slowly has room for it. Raises Gone, and RateLimited
        and StoreUnavailable when it could not be sent."""
        await self._call("post_to_connection", endpoint, ConnectionId=connection, Data=text.encode())

    async def hang_up(self, endpoint: str, connection: str) -> None:
        """Raises what `post` does."""
        await self._call("delete_connection", endpoint, ConnectionId=connection)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)
        for client in self._clients.values():
            client.close()

    async def _call(self, operation: str, endpoint: str, **params: Any) -> None:
        code = ""
        for tries in range(_TRIES):
            code = await asyncio.wrap_future(self._pool.submit(self._ask, operation, endpoint, params))
            if not code:
                return
            if code == "GoneException":
                raise Gone
            if not code.startswith((*_THROTTLED, "5", "~")):
                break
            if tries < _TRIES - 1:
                longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**tries)
                await asyncio.sleep(random.uniform(longest / 2, longest))
        raise _error(code)

    def _ask(self, operation: str, endpoint: str, params: dict[str, Any]) -> str:
        """Empty when it was done; else API Gateway's code, or a status, or `~` and what broke on the way."""
        client = self._client(endpoint)
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        try:
            getattr(client, operation)(**params)
        except ClientError as error:
            return _code(error.response)
        except BotoCoreError as error:
            passing = isinstance(error, ConnectionError | HTTPClientError)
            return f"{'~' if passing else ''}{type(error).__name__}"
        return ""

    def _client(self, endpoint: str) -> Any:
        with self._making:
            if endpoint not in self._clients:
                self._clients[endpoint] = _new_client(endpoint)
            return self._clients[endpoint]


def _new_client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    region = _REGION.search(endpoint)
    tuned = Config(
        connect_timeout=2,
        read_timeout=5,
        max_pool_connections=_THREADS,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": 1},  # tried again above, where waiting holds up no thread
    )
    return boto3.client(
        "apigatewaymanagementapi", region_name=region[1] if region else None, endpoint_url=endpoint, config=tuned
    )


def _code(response: Any) -> str:
    """The status where it alone says what is meant: some answers come without a code."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == 410:
        return "GoneException"
    if status == 429:
        return "LimitExceededException"
    return str(status) if status >= 500 else str(response.get("Error", {}).get("Code") or status)


def _error(code: str) -> AgentError:
    if code.startswith(_THROTTLED):
        return RateLimited("the connection takes no more for now", retry_after=2.0)
    return StoreUnavailable("the frame could not be sent", reason=code.removeprefix("~"))
