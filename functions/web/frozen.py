"""A function's process is frozen as soon as its answer is over, and stopped at its deadline. These stand around an
application that has turns under way.
"""

import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sessionful.core.deadline import within
from sessionful.core.service import Service

log = logging.getLogger("sessionful.functions")

_CONTEXT = b"x-amzn-lambda-context"
_BODILESS = (204, 304)


class Resting:
    """Lets nothing be under way when the answer is over: the service rests before its last byte, or, where the length
    is not known before, between its last byte and its end.

    While other requests are in flight nothing is frozen; the last of them rests for all.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._in_flight += 1
        answer = _Answer(self, send, bodiless=scope["method"] == "HEAD")
        try:
            await self._app(scope, receive, answer.send)
        finally:
            await answer.rest()

    async def leave(self) -> None:
        self._in_flight -= 1
        if self._in_flight:
            return
        try:
            await self._service.rest()
        except Exception:
            log.exception("what was under way could not be handed over")


class _Answer:
    def __init__(self, around: Resting, send: Send, bodiless: bool) -> None:
        self._around, self._send, self._bodiless = around, send, bodiless
        self._held: list[Message] | None = None
        self._rested = False

    async def rest(self) -> None:
        if not self._rested:
            self._rested = True
            await self._around.leave()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._ends_with_its_last_byte(message):
            self._held = [message]
        elif self._held is not None:
            self._held.append(message)
            if not message.get("more_body", False):
                await self.rest()
                for held in self._held:
                    await self._send(held)
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            if message.get("body"):
                await self._send({**message, "more_body": True})
            await self.rest()
            await self._send({**message, "body": b""})
        else:
            await self._send(message)

    def _ends_with_its_last_byte(self, start: Message) -> bool:
        return (
            self._bodiless
            or start["status"] in _BODILESS
            or any(name.lower() == b"content-length" for name, _ in start.get("headers", ()))
        )


class Deadline:
    """What is inside knows when the function is stopped: the adapter tells it with every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at = _deadline(scope) if scope["type"] == "http" else None
        if at is None:
            await self._app(scope, receive, send)
            return
        with within(max(at - time.time(), 0.0)):
            await self._app(scope, receive, send)


def _deadline(scope: Scope) -> float | None:
    """Seconds since 1970. None where there is no adapter in front, as for its own question whether we are up."""
    given = [value for name, value in scope["headers"] if name == _CONTEXT]
    try:
        return float(json.loads(given[0])["deadline"]) / 1000 if given else None
    except (ValueError, TypeError, KeyError):
        return None
