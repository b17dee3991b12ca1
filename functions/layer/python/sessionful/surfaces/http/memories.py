"""Routes of what is remembered: listed, read and erased without any model, put in and put right with an embedder."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from sessionful.surfaces.http.body import one_of, parse, read, read_object
from sessionful.surfaces.http.call import Call
from sessionful.surfaces.http.inputs import MemoryChangeInput, MemoryInput
from sessionful.surfaces.http.memory_outputs import MemoryList, MemoryResource
from sessionful.surfaces.http.openapi import IN_SESSION, WITH_BODY
from sessionful.surfaces.http.preferences import KeyHeader, idempotency_key
from sessionful.surfaces.http.reply import reply
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import Limit, SessionId

MemoryId = Annotated[str, Path(description="A memory's id.")]
Ended = Annotated[bool, Query(description="Whether those that no longer hold are listed, too.")]

routes = Routes("memories")
writing = Routes("memories")

_FOUND = (*IN_SESSION, "memory_not_found")


@routes.on("GET", "/{session_id}/memories", {200: MemoryList}, IN_SESSION)
async def list_memories(
    request: Request, session_id: SessionId, limit: Limit = 20, cursor: str | None = None, ended: Ended = False
) -> Response:
    """What the session's agent remembers in it, newest first."""
    call = Call.of(request)
    page = await call.service.list_memories(call.owner, call.agent, session_id, limit, cursor, ended)
    memories = [MemoryResource.of(memory, call.owner) for memory in page.memories]
    return reply(MemoryList(memories=memories, next_cursor=page.next_cursor))


@routes.on("GET", "/{session_id}/memories/{memory_id}", {200: MemoryResource}, _FOUND)
async def get_memory(request: Request, session_id: SessionId, memory_id: MemoryId) -> Response:
    """One memory, also when it no longer holds."""
    call = Call.of(request)
    memory = await call.service.get_memory(call.owner, call.agent, session_id, memory_id)
    return reply(MemoryResource.of(memory, call.owner))


@routes.on("DELETE", "/{session_id}/memories/{memory_id}", {204: None}, _FOUND)
async def delete_memory(request: Request, session_id: SessionId, memory_id: MemoryId) -> Response:
    """Erase a memory. What it had replaced does not come back."""
    call = Call.of(request)
    await call.service.delete_memory(call.owner, call.agent, session_id, memory_id)
    return Response(status_code=204)


_ADDED = (*IN_SESSION, *WITH_BODY, "idempotency_conflict")


@writing.on("POST", "/{session_id}/memories", {201: MemoryResource}, _ADDED, body=MemoryInput)
async def add_memory(request: Request, session_id: SessionId, key: KeyHeader = None) -> Response:
    """Have a fact remembered. One that is known already is answered as it is kept."""
    call, body = Call.of(request), await read(request, MemoryInput)
    key = idempotency_key(key, body.request_id)
    memory = await call.service.add_memory(call.owner, call.agent, session_id, body.text, key)
    place = call.path(session_id, "memories", memory.id)
    return reply(MemoryResource.of(memory, call.owner), 201, {"Location": place})


_CHANGED = (*_FOUND, *WITH_BODY)


@writing.on("PUT", "/{session_id}/memories/{memory_id}", {200: MemoryResource}, _CHANGED, body=MemoryChangeInput)
async def put_memory(request: Request, session_id: SessionId, memory_id: MemoryId) -> Response:
    """Put another memory in its place; the answer is the new one. The fields that only the server sets may be sent
    back with it; they count for nothing."""
    fields = await read_object(request)
    one_of("id", memory_id, fields.get("id"))
    own = MemoryResource.model_fields.keys() - MemoryChangeInput.model_fields.keys()
    return await _correct(request, session_id, memory_id, {k: v for k, v in fields.items() if k not in own})


@writing.on("PATCH", "/{session_id}/memories/{memory_id}", {200: MemoryResource}, _CHANGED, body=MemoryChangeInput)
async def patch_memory(request: Request, session_id: SessionId, memory_id: MemoryId) -> Response:
    """Put another memory in its place; the answer is the new one, the wrong one is kept as ended."""
    return await _correct(request, session_id, memory_id, await read_object(request))


async def _correct(request: Request, session_id: str, memory_id: str, fields: dict[str, object]) -> Response:
    call, given = Call.of(request), parse(MemoryChangeInput, fields)
    memory = await call.service.correct_memory(call.owner, call.agent, session_id, memory_id, given.text)
    place = call.path(session_id, "memories", memory.id)
    return reply(MemoryResource.of(memory, call.owner), headers={"Content-Location": place})
