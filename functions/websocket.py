"""The door of the WebSocket API: who comes, what they say, who leaves. Answers go out another way, from the worker."""

import asyncio
from contextvars import copy_context
from typing import Any

from functions.connections.connecting import Connecting
from functions.connections.posting import Posting
from functions.connections.rows import Connections
from functions.connections.speaking import Speaking
from functions.observability import observed
from functions.opening.environment import Access, Environment
from functions.opening.service import alarms, configuration, open_service
from sessionful.core.about import about
from sessionful.core.deadline import within

_PATIENCE = 20.0
"""Seconds; the gateway gives up after 29. It is too short a time for a turn to be taken up in: here none is carried."""

_queue: Any = alarms()
_service = open_service(models=False, lingers=False)
_connections = Connections.open(Environment.read().store)
_connecting = Connecting(_service, Access.read(), configuration(models=False).auth, _connections.add)
_speaking = Speaking(_service, _connections, Posting(), _queue)
_runner = asyncio.Runner()


@observed("websocket")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    seconds = min(context.get_remaining_time_in_millis() / 1000, _PATIENCE)
    answer: dict[str, Any] = _runner.run(_answer(event, seconds), context=copy_context())
    return answer


async def _answer(event: dict[str, Any], seconds: float) -> dict[str, Any]:
    told = event["requestContext"]
    with about(connection_id=told["connectionId"]), within(seconds):
        try:
            if told["eventType"] == "CONNECT":
                return await _connecting.answer(event)
            if told["eventType"] == "DISCONNECT":
                await _connections.erase(told["connectionId"])
            else:
                await _speaking.hear(event)
        finally:
            await _service.rest()  # the process is frozen as soon as the handler returns
    return {"statusCode": 200}
