"""Routes of messages and turns: whole answers. Streams are in `streams`, the older task form is in `tasks`."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sessionful.core.turns import TurnHandle
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.domain.turn import TurnRecord
from sessionful.surfaces.http.body import read
from sessionful.surfaces.http.call import Call, as_header, check_session
from sessionful.surfaces.http.errors import error_response
from sessionful.surfaces.http.inputs import MessagePost
from sessionful.surfaces.http.messages import posted_message
from sessionful.surfaces.http.openapi import IN_SESSION, TURN
from sessionful.surfaces.http.preferences import (
    KeyHeader,
    PreferHeader,
    idempotency_key,
    patience,
    request_hash,
    session_id_for,
)
from sessionful.surfaces.http.reply import reply
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import SessionId
from sessionful.surfaces.http.turn_outputs import Answer, Reply, StillRunning, TurnResource

routes = Routes("turns")
sessionless = Routes("turns")


@routes.on("POST", "/{session_id}/messages", {200: Answer, 202: StillRunning}, TURN, body=MessagePost)
async def send_message(
    request: Request, session_id: SessionId, key: KeyHeader = None, prefer: PreferHeader = None
) -> Response:
    """Send a message and wait for the answer."""
    call = Call.of(request)
    return await _answer(request, call, session_id, Answer, key, prefer)


@routes.on("POST", "/{session_id}/message", {200: Reply, 202: StillRunning}, TURN, body=MessagePost)
async def send_message_to_agent(
    request: Request, session_id: SessionId, key: KeyHeader = None, prefer: PreferHeader = None
) -> Response:
    """Send a message, to the agent it names, and wait for the answer."""
    call = Call.of(request)
    return await _answer(request, call, session_id, Reply, key, prefer)


@sessionless.on("POST", "/messages", {200: Answer, 202: StillRunning}, TURN, body=MessagePost)
async def send_first_message(request: Request, key: KeyHeader = None, prefer: PreferHeader = None) -> Response:
    """Send a message in a session of its own, made for it; its id is in the answer and in `X-Session-Id`."""
    call = Call.of(request)
    return await _answer(request, call, None, Answer, key, prefer)


_FOUND = (*IN_SESSION, "turn_not_found")


@routes.on("GET", "/{session_id}/turns/{turn_id}", {200: TurnResource}, _FOUND)
async def get_turn(request: Request, session_id: SessionId, turn_id: str) -> Response:
    """A turn's record, by its id or by the idempotency key it was started with."""
    call = Call.of(request)
    return reply(TurnResource.of(await call.service.get_turn(call.owner, call.agent, session_id, turn_id)))


@routes.on("POST", "/{session_id}/turns/{turn_id}/cancel", {200: TurnResource, 202: TurnResource}, _FOUND)
async def cancel_turn(request: Request, session_id: SessionId, turn_id: str) -> Response:
    """Stop a turn. 202 while the process that runs it has not heard of it yet."""
    call = Call.of(request)
    record = await call.service.cancel_turn(call.owner, call.agent, session_id, turn_id)
    return reply(TurnResource.of(record), 202 if record.status in ("running", "queued") else 200)


async def post(
    call: Call, session_id: str | None, body: MessagePost, key: str | None, worker_in: float | None = None
) -> TurnHandle:
    """Admit what was posted; without a session in the path, in the one the body names or in a new one."""
    key = idempotency_key(key, body.request_id)
    message = posted_message(body.message)
    if session_id is not None:
        check_session(session_id, {"session_id": body.session_id})
        return await admit(call, session_id, message, body.agent_id, key, worker_in=worker_in)
    if body.session_id is None and key is None:  # surely a new one: looking for it first would cost a request
        made = await call.service.create_session(call.owner, call.agent, NewSession())
        return await admit(call, made.key.id, message, body.agent_id, None, worker_in=worker_in)
    home = body.session_id or session_id_for(call.owner, call.agent or "", str(key))
    return await admit(call, home, message, body.agent_id, key, create=True, worker_in=worker_in)


async def admit(
    call: Call,
    session_id: str,
    message: Message,
    speaker: str | None,
    key: str | None,
    options: Mapping[str, Any] | None = None,
    create: bool = False,
    worker_in: float | None = None,
) -> TurnHandle:
    return await call.service.start_turn(
        call.owner,
        call.agent,
        session_id,
        message,
        speaker=speaker,
        idempotency_key=key,
        request_hash=request_hash(message, speaker, options) if key is not None else None,
        options=options,
        create=create,
        worker_in=worker_in,
    )


async def _answer(
    request: Request,
    call: Call,
    session_id: str | None,
    form: type[Answer] | type[Reply],
    key: str | None,
    prefer: str | None,
) -> Response:
    asked = patience(prefer, call.surface.wait_limit)
    handle = await post(call, session_id, await read(request, MessagePost), key, worker_in=asked.worker_in)
    record = await handle.result(asked.seconds)
    headers = {"X-Session-Id": as_header(record.session_id), "X-Turn-Id": record.turn_id, **asked.headers}
    if record.status in ("running", "queued"):
        headers["Location"] = call.path(record.session_id, "turns", record.turn_id)
        return reply(StillRunning.of(record), 202, headers)
    if record.status == "completed":
        return reply(form.of(record), headers=headers)
    return _failure(request, record, headers)


def _failure(request: Request, record: TurnRecord, headers: Mapping[str, str]) -> Response:
    """A turn that did not come to its end has the status of what ended it; its record is kept."""
    codes = {"cancelled": "turn_cancelled", "interrupted": "turn_interrupted"}
    error = record.error or {"code": codes.get(record.status, "internal_error"), "message": f"the turn {record.status}"}
    where = {"session_id": record.session_id, "turn_id": record.turn_id}
    details = {**error.get("details", {}), **where}
    return error_response(request.state.request_id, {**error, "details": details}, headers)
