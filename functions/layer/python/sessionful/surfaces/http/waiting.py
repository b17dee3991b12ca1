"""Routes of a session's queue: the turns that run and wait, and how one is withdrawn."""

from starlette.requests import Request
from starlette.responses import Response

from sessionful.surfaces.http.call import Call
from sessionful.surfaces.http.openapi import IN_SESSION
from sessionful.surfaces.http.reply import reply
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import SessionId
from sessionful.surfaces.http.turn_outputs import TurnList, TurnResource

routes = Routes("turns")


@routes.on("GET", "/{session_id}/turns", {200: TurnList}, IN_SESSION)
async def list_waiting_turns(request: Request, session_id: SessionId) -> Response:
    """The turn that runs, and those that wait behind it, in order."""
    call = Call.of(request)
    turns = await call.service.waiting_turns(call.owner, call.agent, session_id)
    return reply(TurnList(turns=[TurnResource.of(turn) for turn in turns]))


_WITHDRAWN = (*IN_SESSION, "turn_not_found")


@routes.on("DELETE", "/{session_id}/turns/{turn_id}", {200: TurnResource, 202: TurnResource}, _WITHDRAWN)
async def withdraw_turn(request: Request, session_id: SessionId, turn_id: str) -> Response:
    """The same as to cancel it: one that waits never begins, one that runs is stopped. 202 until that is stored."""
    call = Call.of(request)
    record = await call.service.cancel_turn(call.owner, call.agent, session_id, turn_id)
    return reply(TurnResource.of(record), 202 if record.status in ("running", "queued") else 200)
