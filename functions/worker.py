"""Door: the queue of wakes. Carries the turns that no caller waits for."""

import asyncio
import json
import logging
from contextvars import copy_context
from importlib import import_module
from typing import Any

from functions.observability import observed
from functions.opening.service import open_service
from sessionful.alarms.sqs import read_wake
from sessionful.core.about import about
from sessionful.core.deadline import within
from sessionful.domain.error import AgentError
from sessionful.ports import Wake

_logger = logging.getLogger("sessionful.worker")
_service = open_service(models=True, lingers=True)
_runner = asyncio.Runner()


@observed("worker")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages that are not named in the answer are done; the others ring again, and in the end are dead letters."""
    seconds = context.get_remaining_time_in_millis() / 1000
    failed = _runner.run(_look_after_all(event["Records"], seconds), context=copy_context())
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


async def _look_after_all(records: list[dict[str, Any]], seconds: float) -> list[str]:
    """The ids of the messages that nobody has looked after."""
    with within(seconds):
        try:
            done = await asyncio.gather(*map(_look_after, records))
        finally:
            await _service.rest()  # the process is frozen as soon as the handler returns
    return [record["messageId"] for record, well in zip(records, done, strict=True) if not well]


async def _look_after(record: dict[str, Any]) -> bool:
    with about(message_id=record["messageId"]):
        try:
            wake, said = read_wake(record["body"]), json.loads(record["body"])
            with about(session_id=wake.key.id, turn_id=wake.turn_id):
                try:
                    await (_tell(wake, said["tell"]) if "tell" in said else _service.look_after(wake))
                except Exception as error:
                    _failed(error)
                    return False
        except AgentError as error:
            _failed(error)
            return False
    return True


async def _tell(wake: Wake, whom: dict[str, str]) -> None:
    """Carry the turn and tell it to the WebSocket connection that asked: loaded only for those."""
    await import_module("functions.connections.telling").tell(_service, wake, whom)


def _failed(error: Exception) -> None:
    if isinstance(error, AgentError):
        _logger.warning("code=<%s> | not looked after: %s", error.code, error.message)
    else:
        _logger.error("not looked after", exc_info=error)
