"""Routes of checkpoints, and of going back to one, or to a turn or a step."""

from starlette.requests import Request
from starlette.responses import Response

from sessionful.core.once import made_with
from sessionful.surfaces.http.body import read
from sessionful.surfaces.http.call import Call
from sessionful.surfaces.http.inputs import CheckpointInput, RewindInput
from sessionful.surfaces.http.openapi import IN_SESSION, WITH_BODY
from sessionful.surfaces.http.outputs import CheckpointList, CheckpointResource, SessionResource
from sessionful.surfaces.http.preferences import KeyHeader, idempotency_key
from sessionful.surfaces.http.reply import reply, session_reply
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import SessionId

routes = Routes("checkpoints")

_MOVED = (*IN_SESSION, *WITH_BODY, "session_busy", "version_conflict")
_MARKED = (*_MOVED, "checkpoint_exists", "idempotency_conflict")


@routes.on("POST", "/{session_id}/checkpoints", {201: CheckpointResource}, _MARKED, body=CheckpointInput)
async def create_checkpoint(request: Request, session_id: SessionId, key: KeyHeader = None) -> Response:
    """Name the point where the session is, between two turns."""
    call, body = Call.of(request), await read(request, CheckpointInput)
    key = idempotency_key(key, body.request_id)
    mark = made_with(key, {"checkpoint": body.name}) if key is not None else None
    point = await call.service.create_checkpoint(call.owner, call.agent, session_id, body.name, mark)
    return reply(CheckpointResource.of(point), 201)


@routes.on("GET", "/{session_id}/checkpoints", {200: CheckpointList}, IN_SESSION)
async def list_checkpoints(request: Request, session_id: SessionId) -> Response:
    call = Call.of(request)
    points = await call.service.checkpoints(call.owner, call.agent, session_id)
    return reply(CheckpointList(checkpoints=[CheckpointResource.of(point) for point in points]))


_REWOUND = (*_MOVED, "session_ended", "turn_not_found", "checkpoint_not_found")


@routes.on("POST", "/{session_id}/rewind", {200: SessionResource}, _REWOUND, body=RewindInput)
async def rewind_session(request: Request, session_id: SessionId) -> Response:
    """Bring messages and state back to a point; what came after it is hidden."""
    call, body = Call.of(request), await read(request, RewindInput)
    return session_reply(await call.service.rewind_session(call.owner, call.agent, session_id, str(body.to)))
