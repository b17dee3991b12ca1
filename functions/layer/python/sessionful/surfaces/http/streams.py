"""Routes of streams: POST starts a turn and tells it; GET follows the session, for a browser's EventSource."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from sessionful.domain.agent import AgentSettings
from sessionful.domain.error import InvalidRequest, TurnNotFound
from sessionful.domain.event import Cursor, Told
from sessionful.domain.session import SHARED_AGENT
from sessionful.surfaces.http.body import read
from sessionful.surfaces.http.call import Call, as_header
from sessionful.surfaces.http.event_stream import open_stream
from sessionful.surfaces.http.inputs import MessagePost
from sessionful.surfaces.http.openapi import ADMISSION, IN_SESSION, parameter
from sessionful.surfaces.http.preferences import KeyHeader
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import SessionId
from sessionful.surfaces.http.turns import post
from sessionful.surfaces.sse import Chunks, Dialect, Events, Style, Typed
from sessionful.surfaces.sse.typed import Totals

GRACE = 0.5
"""Seconds that a first event is waited for before the headers are sent: a turn that waits has none for long."""

routes = Routes("streams")
sessionless = Routes("streams")

_TOLD: Mapping[int, str] = {200: "text/event-stream"}
_WISHES = (
    parameter("query", "events", "Every event of the log, in its native form.", enum=["full"]),
    parameter("query", "debug", "Also tell of session, message, memory and response.", type="boolean"),
    parameter("query", "after", "The cursor to resume after."),
    parameter("header", "Last-Event-ID", "The same; the header wins."),
)


class Wish(NamedTuple):
    """How a reader wants the stream, and behind which cursor."""

    full: bool
    debug: bool
    after: Cursor | None


@routes.on("POST", "/{session_id}/messages/stream", _TOLD, ADMISSION, body=MessagePost, parameters=_WISHES)
async def stream_message(request: Request, session_id: SessionId, key: KeyHeader = None) -> Response:
    """Send a message; the answer comes as `data: {"chunk": ...}` frames, closed by `data: [DONE]`."""
    return await _start(request, session_id, key)


@routes.on("GET", "/{session_id}/messages/stream", _TOLD, IN_SESSION, parameters=_WISHES)
async def follow_messages(request: Request, session_id: SessionId) -> Response:
    """Follow the turn that runs, or the next one, as chunks."""
    return await _follow(request, session_id)


@routes.on("POST", "/{session_id}/message/stream", _TOLD, ADMISSION, body=MessagePost, parameters=_WISHES)
async def stream_typed_message(request: Request, session_id: SessionId, key: KeyHeader = None) -> Response:
    """Send a message; the answer comes as typed events, closed by `event: done`."""
    return await _start(request, session_id, key, typed=True)


@routes.on("GET", "/{session_id}/message/stream", _TOLD, IN_SESSION, parameters=_WISHES)
async def follow_typed_messages(request: Request, session_id: SessionId) -> Response:
    """Follow the turn that runs, or the next one, as typed events."""
    return await _follow(request, session_id, typed=True)


@sessionless.on("POST", "/messages/stream", _TOLD, ADMISSION, body=MessagePost, parameters=_WISHES)
async def stream_first_message(request: Request, key: KeyHeader = None) -> Response:
    """The same in a session of its own, made for it; its id is in `X-Session-Id`."""
    return await _start(request, None, key)


@sessionless.on("GET", "/messages/stream", _TOLD, IN_SESSION, parameters=_WISHES)
async def follow_session(request: Request, session_id: str | None = None) -> Response:
    """Follow the session that the query names, as chunks."""
    if session_id is None:
        raise InvalidRequest("name the session to follow: ?session_id=", field="session_id")
    return await _follow(request, session_id)


async def _start(request: Request, session_id: str | None, key: str | None, *, typed: bool = False) -> Response:
    wish, call = _wish(request), Call.of(request)
    body = await read(request, MessagePost)
    handle = await post(call, session_id, body, key)
    home = handle.session.key
    settings = call.service.agent(body.agent_id or home.agent).settings
    return await open_stream(
        _dialect(call, home.id, settings, wish, typed),
        handle.events,
        wish.after,
        heartbeat=call.surface.heartbeat,
        one_turn=True,
        grace=GRACE,
        headers={"X-Session-Id": as_header(home.id), "X-Turn-Id": handle.turn_id},
    )


async def _follow(request: Request, session_id: str, *, typed: bool = False) -> Response:
    wish, call = _wish(request), Call.of(request)
    settings = await _settings(call, session_id)

    def follow(after: Cursor | None) -> AsyncIterator[Told]:
        return call.service.follow(call.owner, call.agent, session_id, after)

    return await open_stream(
        _dialect(call, session_id, settings, wish, typed),
        follow,
        wish.after,
        heartbeat=call.surface.heartbeat,
        grace=GRACE,
        headers={"X-Session-Id": as_header(session_id)},
    )


def _wish(request: Request) -> Wish:
    query = request.query_params
    events, debug = query.get("events"), query.get("debug", "").lower()
    cursor = request.headers.get("last-event-id") or query.get("after")
    if events not in (None, "", "full"):
        raise InvalidRequest("'events' is 'full' or left out", field="events")
    if debug not in ("", "true", "false", "1", "0"):
        raise InvalidRequest("'debug' is 'true' or 'false'", field="debug")
    return Wish(events == "full", debug in ("true", "1"), Cursor.parse(cursor) if cursor else None)


def _dialect(call: Call, session_id: str, settings: AgentSettings, wish: Wish, typed: bool) -> Dialect:
    style = Style.of(settings, wish.debug)
    if wish.full:
        return Events(style)
    return Typed(style, partial(_totals, call, session_id)) if typed else Chunks(style)


async def _settings(call: Call, session_id: str) -> AgentSettings:
    """Of the agent in the path, of the only one, or else of the one that answers in the session."""
    agents = call.service.agents
    if call.agent is not None:
        return call.service.agent(call.agent).settings
    if len(agents) == 1:
        return next(iter(agents.values())).settings
    session = await call.service.get_session(call.owner, None, session_id)
    if session.key.agent != SHARED_AGENT:
        return call.service.agent(session.key.agent).settings
    return call.service.agent(session.running.agent).settings if session.running else AgentSettings()


async def _totals(call: Call, session_id: str, turn_id: str) -> Totals | None:
    try:
        record = await call.service.get_turn(call.owner, call.agent, session_id, turn_id)
    except TurnNotFound:  # it was undone
        return None
    return Totals(record.usage, record.steps)
