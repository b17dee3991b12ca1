"""Door: the stream of the table of sessions. Stores the last memories of a session that the table's expiry has taken,
then erases what hung on it; and finishes deletions whose process died."""

import asyncio
import base64
import logging
import time
from contextvars import copy_context
from importlib import import_module
from typing import Any

from functions.observability import observed
from sessionful import wiring
from sessionful.domain.error import AgentError, ConfigError
from sessionful.settings import Settings
from sessionful.stores.dynamodb import DynamoDBLog, keys

_AT_ONCE = 8
_PATIENCE = 300.0  # seconds that a session waits for a model to store its last memories
_LAST_WORDS = 2.0  # seconds before the deadline that belong to the answer
_EXPIRY = "dynamodb.amazonaws.com"

_logger = logging.getLogger("sessionful.curator")

Record = dict[str, Any]


def _open(settings: Settings) -> DynamoDBLog:
    store = settings.store or ""
    if not store.startswith("dynamodb:"):
        raise ConfigError("the curator follows a table: set SESSIONFUL_STORE to dynamodb:TABLE", key="SESSIONFUL_STORE")
    log = wiring.make_log(store)
    assert isinstance(log, DynamoDBLog)
    return log


_settings = Settings.from_environment()
_log = _open(_settings)
_runner = asyncio.Runner()


@observed("curator")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Names the first record that failed, if one did: the stream goes on from there. Sweeping twice does no harm."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_WORDS
    failed = _runner.run(_sweep_all(event["Records"], seconds), context=copy_context())
    numbers = [] if failed is None else [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]
    return {"batchItemFailures": numbers}


async def _sweep_all(records: list[Record], seconds: float) -> Record | None:
    """In order within a session's partition, side by side across them. Returns the first record that failed."""
    until, at_once = time.monotonic() + seconds, asyncio.Semaphore(_AT_ONCE)
    partitions: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        partitions.setdefault(record["dynamodb"]["Keys"]["pk"]["S"], []).append(number)

    async def sweep(numbers: list[int]) -> int | None:
        async with at_once:
            for number in numbers:
                if not await _sweep(records[number], until - time.monotonic()):
                    return number
        return None

    failed = [number for number in await asyncio.gather(*map(sweep, partitions.values())) if number is not None]
    return records[min(failed)] if failed else None


async def _sweep(record: Record, seconds: float) -> bool:
    """Whether it was done."""
    try:
        if (image := _image(record)) is not None:
            async with asyncio.timeout(seconds):
                await _end(_item(image), _is_young(record))
    except AgentError as error:
        _logger.warning("event=<%s> code=<%s> | not swept: %s", record.get("eventID"), error.code, error.message)
    except Exception as error:
        _logger.error("event=<%s> | not swept", record.get("eventID"), exc_info=error)
    else:
        return True
    return False


async def _end(item: dict[str, Any], patient: bool) -> None:
    """The agents are loaded only for those that have ended, and only where there are agents."""
    ended = await _log.ended(item) if _settings.config is not None else None
    if ended is None:
        await _log.sweep(item)
        return
    memories = import_module("functions.opening.ended")
    await memories.remember(_log, ended, patient)
    await _log.sweep(item)
    await memories.forget(_log, ended)


def _is_young(record: Record) -> bool:
    """Whether it may come again without ending in the dead letters."""
    told = record["dynamodb"].get("ApproximateCreationDateTime")
    return told is None or time.time() - told < _PATIENCE


def _image(record: Record) -> dict[str, Any] | None:
    """The item that tells what is to be swept, if the record is about one."""
    told: dict[str, Any] = record["dynamodb"]
    partition, sort = (told["Keys"][name]["S"] for name in ("pk", "sk"))
    if not partition.startswith("S#"):
        return None
    if record["eventName"] == "REMOVE":
        by_expiry = (record.get("userIdentity") or {}).get("principalId") == _EXPIRY
        return told["OldImage"] if by_expiry and sort == keys.HEAD else None
    return told["NewImage"] if sort.startswith(f"{keys.REMAINS}#") else None


def _item(image: dict[str, Any]) -> dict[str, Any]:
    """As the client gives items: in an event bytes are base64."""
    return {name: _value(*next(iter(value.items()))) for name, value in image.items()}


def _value(kind: str, content: Any) -> dict[str, Any]:
    match kind:
        case "B":
            content = base64.b64decode(content)
        case "BS":
            content = [base64.b64decode(one) for one in content]
        case "L":
            content = [_value(*next(iter(one.items()))) for one in content]
        case "M":
            content = _item(content)
    return {kind: content}
