"""A frame of a client ($default): what it asks for is durable before it is answered, and done by a worker."""

import base64
import logging
from typing import Any

from functions.connections.connecting import endpoint
from functions.connections.posting import Gone, Posting
from functions.connections.rows import Connection, Connections, Known
from functions.connections.telling import Wakes
from sessionful.core.service import Service
from sessionful.domain.error import AgentError, RateLimited
from sessionful.ports import Wake
from sessionful.surfaces.http.errors import error_json
from sessionful.surfaces.sse.frame import json_text
from sessionful.surfaces.websocket.asks import Cancel, Resume, read_frame
from sessionful.surfaces.websocket.begin import begin, cancel, resume
from sessionful.surfaces.websocket.connection import MOST
from sessionful.surfaces.websocket.forms import UNKNOWN, broken, form_of, refusal
from sessionful.surfaces.websocket.subscription import Subscription

SAFETY_SECONDS = 17.0
"""When another worker looks after a turn, should the message that is to have it told be lost: later than a worker that
heard it holds the turn without a sign of life."""

_NEXT = "next"  # stands for the turn that is followed where nobody knows it yet

_logger = logging.getLogger("sessionful.websocket")

Event = dict[str, Any]


class Speaking:
    def __init__(self, service: Service, connections: Connections, posting: Posting, wakes: Wakes) -> None:
        self._service, self._connections = service, connections
        self._posting, self._wakes = posting, wakes

    async def hear(self, event: Event) -> None:
        """Whatever is wrong with the frame is told to the client, and the connection stays."""
        context = event["requestContext"]
        at, connection = endpoint(context), context["connectionId"]
        data = _data(event)
        try:
            known = await self._connections.find(connection)
            if known is None:  # it was erased, and here it still is: the client is to come anew
                await self._posting.hang_up(at, connection)
                return
            answers = await self._answer(known, data)
        except Gone:
            return
        except AgentError as error:
            answers = refusal(data, error)
        except Exception:
            _logger.exception("a frame was not answered")
            answers = broken(data, _INTERNAL)
        try:
            for text in answers:
                await self._posting.post(at, connection, text)
        except Gone:
            await self._connections.erase(connection)

    async def _answer(self, known: Known, data: str | bytes) -> list[str]:
        """What is to be said at once."""
        connection, told = known
        ask = read_frame(data)
        if isinstance(ask, Cancel):
            record = await cancel(self._service, connection.owner, connection.agent, ask, told)
            if any(record.turn_id == one.turn_id for one in told):
                return []  # the telling says itself how the turn ended
            found = {"cancel": record.turn_id, "session_id": record.session_id, "status": record.status}
            return [json_text(found)]
        if len(told) >= MOST:
            raise RateLimited(f"{MOST} turns are told on this connection; wait for one to end", limit=MOST)
        if isinstance(ask, Resume):
            wanted = await resume(self._service, connection.owner, connection.agent, ask)
        else:
            wanted = await begin(self._service, connection.owner, connection.agent, ask, SAFETY_SECONDS)
        if wanted.turn_id is not None and any(wanted.turn_id == one.turn_id for one in told):
            return [json_text(form_of(wanted).started())]  # told twice at a time it could not be told apart
        return await self._subscribe(connection, wanted)

    async def _subscribe(self, connection: Connection, wanted: Subscription) -> list[str]:
        """The turn is admitted by now: whatever fails here, a worker carries it, and the client can resume it."""
        try:
            key = await self._service.locate(wanted.owner, wanted.agent, wanted.session_id)
            stream = await self._connections.subscribe(connection, wanted)
            whom = {"connection": connection.id, "stream": stream}
            await self._wakes.set(Wake(key, wanted.turn_id or _NEXT), 0, tell=whom)
            return []
        except AgentError as error:
            problem = error_json(error)
        except Exception:
            _logger.exception("a stream was not begun")
            problem = _INTERNAL
        form = form_of(wanted)
        return [json_text(form.error(problem)), json_text(form.done(UNKNOWN))]


_INTERNAL = {"code": "internal_error", "message": "something went wrong here", "details": {}}


def _data(event: Event) -> str | bytes:
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body
