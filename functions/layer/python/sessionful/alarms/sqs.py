"""Alarms in an SQS queue: for the processes of many machines, and for a function that is started by the queue.

SQS keeps no order, counts in whole seconds, and delays a message by 15 minutes at most.
"""

import asyncio
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from sessionful.alarms.bell import Ring
from sessionful.domain.error import AgentError, ConfigError, InvalidRequest, RateLimited, StoreUnavailable
from sessionful.domain.session import SessionKey
from sessionful.ports import Wake

T = TypeVar("T")

_LONGEST_DELAY = 900
_LONGEST_HOLD = 43_200
_LONGEST_POLL = 5  # below the client's patience; whoever waits longer asks again
_AT_ONCE = 10
_TRIES = 4
_THREADS = 16

_FIELDS = ("owner", "agent", "session", "turn")
_REGION = re.compile(r"(?:^|\.)sqs\.([a-z]{2}(?:-[a-z]+)+-\d+)\.")
_AWS = re.compile(r"^sqs\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)$")
_THROTTLED = ("RequestThrottled", "Throttling", "OverLimit")
_STALE = ("ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue")
_COUNTS = ("", "Delayed", "NotVisible")

_logger = logging.getLogger("sessionful.alarms")


def wake_json(wake: Wake, **more: Any) -> str:
    """A message's text; `more` is for whoever reads it besides. Plain ASCII: SQS refuses some characters."""
    return json.dumps({**more, **dict(zip(_FIELDS, (*wake.key, wake.turn_id), strict=True))})


def read_wake(text: str) -> Wake:
    """What else the message says is for others. Raises InvalidRequest, with the field that is wrong."""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise InvalidRequest("a wake is a JSON object", field="body")
    for field in _FIELDS:
        if not isinstance(said.get(field), str) or not said[field]:
            raise InvalidRequest(f"a wake's {field!r} is a text that is not empty", field=field)
    owner, agent, session, turn = (said[field] for field in _FIELDS)
    return Wake(SessionKey(owner, agent, session), turn)


class SqsAlarmQueue:
    """`connect` makes the boto3 client, when it is first needed: most turns end before anything is heard.

    Every method also raises RateLimited. A delay is rounded up, and one over 15 minutes rings after 15: whoever finds
    nothing to do then sets it again. A message that cannot be read is left to the queue's dead letters.
    """

    def __init__(self, connect: Callable[[], Any], url: str) -> None:
        self._connect = connect
        self._url = url
        self._made: Any = None
        self._making = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sessionful-sqs")

    @classmethod
    def open(cls, address: str) -> Self:
        """`sqs:` and the queue's URL. Raises ConfigError."""
        url = address.removeprefix("sqs:")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
            raise ConfigError("write sqs: and the queue's URL", key="alarms")
        if parts.path.endswith(".fifo"):
            raise ConfigError("a FIFO queue cannot delay one message; use a standard queue", key="alarms")
        region = _REGION.search(parts.hostname)
        endpoint = None if _AWS.match(parts.hostname) else f"{parts.scheme}://{parts.netloc}"
        return cls(lambda: _new_client(region[1] if region else None, endpoint), url)

    async def set(self, wake: Wake, delay: float, **more: Any) -> None:
        """As an Alarm's; `more` goes into the message."""
        body = wake_json(wake, **more)
        await self._call("send_message", MessageBody=body, DelaySeconds=_seconds(delay, _LONGEST_DELAY))

    async def hear(self, limit: int, within: float, again_in: float) -> list[Ring]:
        """As a Bell's, but in no order, and it may wait up to a second longer."""
        give_up = time.monotonic() + within
        rings: list[Ring] = []
        while True:
            wanted = min(limit - len(rings), _AT_ONCE)
            wait = 0 if rings else _seconds(give_up - time.monotonic(), _LONGEST_POLL)
            messages = await self._receive(wanted, wait, again_in)
            rings += [ring for ring in map(_ring, messages) if ring is not None]
            more = len(messages) == wanted and len(rings) < limit
            if not more and (rings or time.monotonic() >= give_up):
                return rings

    async def postpone(self, receipt: str, delay: float) -> None:
        seconds = _seconds(delay, _LONGEST_HOLD)
        await self._call("change_message_visibility", ReceiptHandle=receipt, VisibilityTimeout=seconds)

    async def done(self, receipt: str) -> None:
        await self._call("delete_message", ReceiptHandle=receipt)

    async def count(self) -> int:
        """About as many; a moment ago."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in _COUNTS]
        answer = await self._call("get_queue_attributes", AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    async def _receive(self, limit: int, wait: int, again_in: float) -> list[dict[str, Any]]:
        answer = await self._call(
            "receive_message",
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait,
            VisibilityTimeout=_seconds(again_in, _LONGEST_HOLD),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        try:
            asking = self._pool.submit(self._ask, operation, params)
        except RuntimeError:
            raise StoreUnavailable("the alarms were closed") from None
        return await asyncio.wrap_future(asking)

    def _ask(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        client = self._client()
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(client, operation)(QueueUrl=self._url, **params)
            return answer
        except (BotoCoreError, ClientError) as error:
            code = _code(error)
        if "ReceiptHandle" in params and code.startswith(_STALE):
            return {}  # it rang again meanwhile, or is done: the receipt is worth nothing
        raise _error(code)

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def _close(self) -> None:
        self._pool.shutdown()
        with self._making:
            if self._made is not None:
                self._made.close()


def _ring(message: dict[str, Any]) -> Ring | None:
    try:
        wake = read_wake(message["Body"])
    except InvalidRequest as error:
        _logger.warning("message=<%s> field=<%s> | not a wake", message["MessageId"], error.details["field"])
        return None
    return Ring(wake, message["ReceiptHandle"], int(message["Attributes"]["ApproximateReceiveCount"]))


def _seconds(seconds: float, longest: int) -> int:
    return min(max(math.ceil(seconds), 0), longest)


def _new_client(region: str | None, endpoint_url: str | None) -> Any:
    """Raises ConfigError when boto3 is missing, or no region is configured."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import NoRegionError
    except ImportError as error:
        raise ConfigError("alarms in SQS need boto3: pip install 'sessionful[aws]'", key="alarms") from error
    tuned = Config(
        connect_timeout=2,
        read_timeout=2 * _LONGEST_POLL,
        max_pool_connections=_THREADS,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
    )
    try:
        return boto3.client("sqs", region_name=region, endpoint_url=endpoint_url, config=tuned)
    except NoRegionError:
        raise ConfigError("the queue's URL names no region: set AWS_DEFAULT_REGION", key="alarms") from None


def _code(error: Exception) -> str:
    """SQS's code, never its text, which can name the account."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__).rpartition(".")[2]


def _error(code: str) -> AgentError:
    if code.startswith(_THROTTLED):
        return RateLimited("the queue of alarms is asked for too much at once", retry_after=1.0)
    return StoreUnavailable("the queue of alarms does not answer, or refuses the request", reason=code)
