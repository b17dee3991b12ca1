"""Requests to DynamoDB from a thread, tried again while it only stumbles.

Every request here may be sent twice without harm: a write has a condition that its own first coming breaks in a way
its sender knows (see `Table.write`), or a token, or says the same twice. So a lost answer is a reason to ask again.
"""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from sessionful.domain.error import AgentError, RateLimited, StoreUnavailable
from sessionful.stores.dynamodb.actions import Item

T = TypeVar("T")

TRIES = 6
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.5
_THREADS = 32

_THROTTLED = {
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}
_PASSING = {
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
}


class Refused(Exception):
    """A condition did not hold. One item per action: what is there instead, `{}` for nothing, or None where the
    action was not what failed. Never leaves this package."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("a condition did not hold")
        self.items = items


class Failure(NamedTuple):
    """Why a request failed; `refused` is set when only a condition did."""

    kind: Literal["refused", "throttled", "passing", "final"]
    code: str
    refused: Refused | None = None

    def as_error(self) -> AgentError:
        """Carries DynamoDB's code, not its text, which can name the account."""
        if self.kind == "throttled":
            return RateLimited("the session store is asked for too much at once", retry_after=1.0)
        if self.kind == "passing":
            return StoreUnavailable("the session store does not answer", reason=self.code)
        return StoreUnavailable("the session store refuses the request", reason=self.code)


def crowded() -> StoreUnavailable:
    return StoreUnavailable("too many write to this session at once")


async def pause(tries: int) -> None:
    """Full jitter: anything up to a limit that doubles with each try, so that those who collided spread out."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**tries)
    await asyncio.sleep(random.uniform(0, longest))


class Calls:
    """Calls the client's methods on threads of its own, from any event loop."""

    def __init__(self, client: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self._client = client
        self._errors = (BotoCoreError, ClientError)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sessionful-dynamodb")

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Raises Refused, RateLimited and StoreUnavailable."""
        request = partial(getattr(self._client, operation), **params)
        for tries in range(TRIES):
            try:
                answer: dict[str, Any] = await self.run(request)
                return answer
            except self._errors as error:
                failure = read_failure(error)
            if failure.refused is not None:
                raise failure.refused
            if failure.kind == "final":
                break
            if tries < TRIES - 1:
                await pause(tries)
        raise failure.as_error()

    async def run(self, work: Callable[[], T]) -> T:
        """Anything that would hold the loop up."""
        try:
            running = self._pool.submit(work)
        except RuntimeError:
            raise StoreUnavailable("the session store was closed") from None
        return await asyncio.wrap_future(running)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)


def read_failure(error: Exception) -> Failure:
    """What an exception of botocore means."""
    response: dict[str, Any] | None = getattr(error, "response", None)
    if response is None or "Error" not in response:
        return _unanswered(error)
    code = str(response["Error"].get("Code", ""))
    if code == "ConditionalCheckFailedException":
        return Failure("refused", code, Refused([response.get("Item", {})]))
    if code == "TransactionCanceledException":
        return _cancelled(response.get("CancellationReasons", []))
    if code in _THROTTLED:
        return Failure("throttled", code)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Failure("passing" if code in _PASSING or status >= 500 else "final", code)


def _cancelled(reasons: list[dict[str, Any]]) -> Failure:
    codes = {str(reason.get("Code", "None")) for reason in reasons} - {"None"}
    if "ConditionalCheckFailed" in codes:
        failed = [r.get("Item", {}) if r.get("Code") == "ConditionalCheckFailed" else None for r in reasons]
        return Failure("refused", "ConditionalCheckFailed", Refused(failed))
    if codes & _THROTTLED:
        return Failure("throttled", min(codes & _THROTTLED))
    return Failure("passing" if codes <= _PASSING else "final", min(codes, default="TransactionCanceledException"))


def _unanswered(error: Exception) -> Failure:
    from botocore.exceptions import ConnectionError, HTTPClientError

    passing = isinstance(error, ConnectionError | HTTPClientError)
    return Failure("passing" if passing else "final", type(error).__name__)
