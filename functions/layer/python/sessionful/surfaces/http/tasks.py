"""Tasks: turns in the words of the older A2A form."""

from starlette.requests import Request
from starlette.responses import Response

from sessionful.surfaces.http.body import read
from sessionful.surfaces.http.call import Call, check_session
from sessionful.surfaces.http.inputs import TaskPost
from sessionful.surfaces.http.messages import task_message
from sessionful.surfaces.http.openapi import ADMISSION, IN_SESSION
from sessionful.surfaces.http.preferences import KeyHeader, PreferHeader, idempotency_key, patience
from sessionful.surfaces.http.reply import reply
from sessionful.surfaces.http.routes import Routes
from sessionful.surfaces.http.sessions import SessionId
from sessionful.surfaces.http.turn_outputs import TaskResource
from sessionful.surfaces.http.turns import admit

routes = Routes("tasks")


@routes.on("POST", "/{session_id}/tasks", {200: TaskResource, 202: TaskResource}, ADMISSION, body=TaskPost)
async def execute_task(
    request: Request, session_id: SessionId, key: KeyHeader = None, prefer: PreferHeader = None
) -> Response:
    """Run a task in a session. One that fails is answered with its status and its error."""
    call, body = Call.of(request), await read(request, TaskPost)
    if body.context is not None:
        named = {"context.sessionId": body.context.sessionId, "context.session_id": body.context.session_id}
        check_session(session_id, named)
    # The task's own id is what a later GET asks for, so it is the key wherever there is one.
    once = idempotency_key(body.taskId) or idempotency_key(key, body.request_id)
    asked = patience(prefer, call.surface.wait_limit)
    message = task_message(body.input)
    handle = await admit(call, session_id, message, body.agent_id, once, body.parameters, worker_in=asked.worker_in)
    record = await handle.result(asked.seconds)
    task = TaskResource.of(body.taskId or record.turn_id, record)
    if record.status not in ("running", "queued"):
        return reply(task, headers=asked.headers)
    return reply(task, 202, {"Location": call.path(session_id, "tasks", task.taskId), **asked.headers})


@routes.on("GET", "/{session_id}/tasks/{task_id}", {200: TaskResource}, (*IN_SESSION, "turn_not_found"))
async def get_task(request: Request, session_id: SessionId, task_id: str) -> Response:
    """A task's status and result, by its own id or by the turn's."""
    call = Call.of(request)
    record = await call.service.get_turn(call.owner, call.agent, session_id, task_id)
    return reply(TaskResource.of(task_id, record))
