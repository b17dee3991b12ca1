"""Between an HTTP API and an application: events in, whole answers out, always before the gateway gives up."""

import asyncio
import json
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.observability import Handler, observed
from functions.opening.callers import gateway_owner
from functions.opening.environment import Access
from functions.opening.service import configuration, open_service
from functions.web.frozen import Resting
from sessionful.core.deadline import within
from sessionful.core.service import Service
from sessionful.domain.error import InvalidRequest, PayloadTooLarge
from sessionful.surfaces.http.base import new_app
from sessionful.surfaces.http.errors import refusal

_PATIENCE = 29.0
"""Seconds; the gateway gives up after 30."""

_WAIT = 25.0
"""Seconds that an answer is waited for: a turn that then goes on has to be handed over before the gateway gives up."""

_LARGEST = 6_000_000
"""Bytes of an answer: Lambda takes 6 MB, and the gateway is told nothing but that the function failed."""

_Answer = dict[str, Any]


def new_gateway_app(*, models: bool) -> tuple[FastAPI, Service]:
    """An application without routes, of a door that asks models or does not. Raises ConfigError."""
    access, config = Access.read(), configuration(models=models)
    service = open_service(models=models, lingers=False)
    owner = gateway_owner(access, config.auth)
    return new_app(service, owner=owner, origins=access.origins, gateway_cors=True, wait_limit=_WAIT), service


def gateway_handler(app: FastAPI, service: Service, door: str) -> Handler:
    """What Lambda calls with the events of an HTTP API (payload format 2.0). Raises InvalidRequest for others."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    answered = Mangum(_DecodedOnce(Resting(app, service)), lifespan="off")

    @observed(door)
    def handler(event: Any, context: Any) -> _Answer:
        if not _is_request(event):
            raise InvalidRequest("this is no event of an HTTP API in payload format 2.0")
        with within(min(context.get_remaining_time_in_millis() / 1000, _PATIENCE)):
            answer: _Answer = answered(event, context)
        return answer if _fits(answer) else _too_large(answer)

    return handler


def _is_request(event: Any) -> bool:
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and event.get("version") == "2.0" and isinstance(context.get("http"), dict)


class _DecodedOnce:
    """An HTTP API decodes the path (a Function URL does not), and Mangum does it again: `50%2525` would be `50%`, not
    `50%25`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["aws.event"]["requestContext"]["http"]["path"] or "/"
        await self._app({**scope, "path": path}, receive, send)


def _fits(answer: _Answer) -> bool:
    roughly = len(answer.get("body", ""))
    return roughly < _LARGEST // 4 or len(json.dumps(answer)) < _LARGEST


def _too_large(answer: _Answer) -> _Answer:
    request_id = answer["headers"].get("x-request-id", "")
    why = "the answer is larger than what the gateway takes: ask for less (`limit`), or ask the stream URL"
    error = refusal(request_id, PayloadTooLarge(why, limit=_LARGEST))
    headers = {**error.headers, "x-request-id": request_id}
    return {"statusCode": error.status_code, "headers": headers, "body": bytes(error.body).decode()}
