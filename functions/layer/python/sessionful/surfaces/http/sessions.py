"""Routes of sessions, the same under `/sessions` and `/agents/{agent}/sessions`."""

import re
from typing import Annotated, Any

from fastapi import Header, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from sessionful.domain.error import VersionConflict
from sessionful.domain.session import NewSession, SessionChange
from sessionful.surfaces.http.body import parse, read, read_object
from sessionful.surfaces.http.call import Call, check_session
from sessionful.surfaces.http.inputs import ForkInput, ImportNames, SessionChangeInput, SessionInput
from sessionful.surfaces.http.messages import past_message
from sessionful.surfaces.http.openapi import ANYWHERE, IN_SESSION, WITH_BODY
from sessionful.surfaces.http.outputs import MessageList, MessageResource, SessionList, SessionResource
from sessionful.surfaces.http.preferences import KeyHeader, Once, idempotency_key
from sessionful.surfaces.http.reply import document_reply, reply, session_reply
from sessionful.surfaces.http.routes import Routes

SessionId = Annotated[str, Path(description="1 to 256 printable characters without a slash.")]
Limit = Annotated[int, Query(ge=1, le=100)]

routes = Routes("sessions")

_CREATED = (*ANYWHERE, *WITH_BODY, "agent_not_found", "session_exists", "idempotency_conflict")


@routes.on("POST", "", {201: SessionResource}, _CREATED, body=SessionInput)
async def create_session(request: Request, key: KeyHeader = None) -> Response:
    """Open a session."""
    call, body = Call.of(request), await read(request, SessionInput)
    call = call.for_agent(body.agent_id)
    said = body.model_dump(exclude={"agent_id", "session_id", "request_id"}, exclude_none=True)
    once = _once(call, idempotency_key(key, body.request_id), body.session_id, {"create": said})
    past = tuple(past_message(raw, f"messages[{index}]") for index, raw in enumerate(body.messages or ()))
    new = NewSession(**{**said, "messages": past, "session_id": once.session_id, "made_with": once.made_with})
    session = await call.service.create_session(call.owner, call.agent, new)
    return session_reply(session, 201, {"Location": call.path(session.key.id)})


@routes.on("GET", "", {200: SessionList}, (*ANYWHERE, "agent_not_found"))
async def list_sessions(request: Request, limit: Limit = 20, cursor: str | None = None) -> Response:
    """The caller's own sessions, newest activity first."""
    call = Call.of(request)
    page = await call.service.list_sessions(call.owner, call.agent, limit, cursor)
    sessions = [SessionResource.of(session) for session in page.sessions]
    return reply(SessionList(sessions=sessions, next_cursor=page.next_cursor))


@routes.on("POST", "/import", {201: SessionResource}, _CREATED, body=dict)
async def import_session(request: Request, session_id: str | None = None, key: KeyHeader = None) -> Response:
    """Open a session from an exported document, under the document's id or another."""
    call, document = Call.of(request), await read_object(request)
    beside = {name for name in (*ImportNames.model_fields, *ImportNames.spellings) if name in document}
    names = parse(ImportNames, {name: document.pop(name) for name in beside})
    call = call.for_agent(names.agent_id)
    own = session_id if session_id is not None else document.get("session_id")
    once = _once(call, idempotency_key(key, names.request_id), own, {"import": document})
    session = await call.service.import_session(call.owner, call.agent, document, once.session_id, once.made_with)
    return session_reply(session, 201, {"Location": call.path(session.key.id)})


@routes.on("GET", "/{session_id}", {200: SessionResource}, IN_SESSION)
async def get_session(request: Request, session_id: SessionId) -> Response:
    call = Call.of(request)
    return session_reply(await call.service.get_session(call.owner, call.agent, session_id))


_CHANGE = (*IN_SESSION, *WITH_BODY, "version_conflict")
IfMatch = Annotated[str | None, Header(description="The ETag that the change is based on.")]


@routes.on("PUT", "/{session_id}", {200: SessionResource}, _CHANGE, body=SessionChangeInput)
async def put_session(request: Request, session_id: SessionId, if_match: IfMatch = None) -> Response:
    """Change a session. The fields that only the server sets may be sent back with it; they are left as they are."""
    fields = await read_object(request)
    check_session(session_id, {name: fields.get(name) for name in ("id", "session_id", "sessionId")})
    own = SessionResource.model_fields.keys() - SessionChangeInput.model_fields.keys()
    return await _change(request, session_id, {k: v for k, v in fields.items() if k not in own}, if_match)


@routes.on("PATCH", "/{session_id}", {200: SessionResource}, _CHANGE, body=SessionChangeInput)
async def patch_session(request: Request, session_id: SessionId, if_match: IfMatch = None) -> Response:
    """Change what the body names, and nothing else."""
    return await _change(request, session_id, await read_object(request), if_match)


@routes.on("DELETE", "/{session_id}", {204: None}, IN_SESSION)
async def delete_session(request: Request, session_id: SessionId) -> Response:
    """End a session and erase all it owned."""
    call = Call.of(request)
    await call.service.delete_session(call.owner, call.agent, session_id)
    return Response(status_code=204)


@routes.on("POST", "/{session_id}/end", {200: SessionResource}, (*IN_SESSION, "session_busy"))
async def end_session(request: Request, session_id: SessionId) -> Response:
    """End a session: it can be read until it expires, not continued."""
    call = Call.of(request)
    return session_reply(await call.service.end_session(call.owner, call.agent, session_id))


_FORK = (*IN_SESSION, *WITH_BODY, "turn_not_found", "session_exists", "idempotency_conflict")


@routes.on("POST", "/{session_id}/fork", {201: SessionResource}, _FORK, body=ForkInput)
async def fork_session(request: Request, session_id: SessionId, key: KeyHeader = None) -> Response:
    """A new session that shares the past and the state, up to a point."""
    call, body = Call.of(request), await read(request, ForkInput)
    at = str(body.at) if body.at is not None else None
    once = _once(call, idempotency_key(key, body.request_id), body.session_id, {"fork": session_id, "at": at})
    session = await call.service.fork_session(call.owner, call.agent, session_id, once.session_id, at, once.made_with)
    return session_reply(session, 201, {"Location": call.path(session.key.id)})


@routes.on("GET", "/{session_id}/messages", {200: MessageList}, IN_SESSION)
async def get_messages(
    request: Request, session_id: SessionId, limit: Limit = 20, before: str | None = None, after: str | None = None
) -> Response:
    """The history, oldest first. `before` and `after` are ids of messages."""
    call = Call.of(request)
    page = await call.service.history(call.owner, call.agent, session_id, limit, before, after)
    messages = [MessageResource.of(message) for message in page.messages]
    return reply(MessageList(messages=messages, next_cursor=page.next_cursor))


@routes.on("GET", "/{session_id}/export", {200: "application/json"}, IN_SESSION)
async def export_session(request: Request, session_id: SessionId) -> Response:
    """The portable document of a session, for `import`."""
    call = Call.of(request)
    return document_reply(await call.service.export_session(call.owner, call.agent, session_id))


def _once(call: Call, key: str | None, session_id: str | None, meaning: dict[str, Any]) -> Once:
    return Once.of(call.owner, call.service.home(call.agent), key, session_id, meaning)


async def _change(request: Request, session_id: str, fields: dict[str, Any], if_match: str | None) -> Response:
    call, given = Call.of(request), parse(SessionChangeInput, fields)
    change = given.model_dump(exclude_unset=True)
    change |= {name: {} for name in ("metadata", "state") if name in change and change[name] is None}
    version = await _version(call, session_id, if_match)
    return session_reply(
        await call.service.change_session(call.owner, call.agent, session_id, SessionChange(**change), version)
    )


async def _version(call: Call, session_id: str, if_match: str | None) -> int | None:
    """The version that must still be current (RFC 9110, 13.1.1; tags are compared strongly)."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [int(tag) for tag in re.findall(r'(?<!W/)"(\d{1,15})"', if_match)]
    if len(tags) == 1:
        return tags[0]
    current = (await call.service.get_session(call.owner, call.agent, session_id)).version
    if current not in tags:
        raise VersionConflict("the session was changed since", version=current)
    return current
