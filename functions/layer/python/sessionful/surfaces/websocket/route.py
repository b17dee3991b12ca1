"""The sockets of this process: `WS /agents/{agent}/stream`."""

from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sessionful.domain.error import AgentNotFound
from sessionful.surfaces.http.call import Surface
from sessionful.surfaces.http.errors import refusal
from sessionful.surfaces.websocket.connection import Connection

PATH = "/agents/{agent}/stream"
SUBPROTOCOL = "sessionful.v1"
"""A browser cannot send a header: it offers this one, and its token as another, which is never sent back."""

_TOO_BIG = 1009


def add_to(app: FastAPI) -> None:
    """To an application of `new_app`, which knows whose connection it is and which pages may open one."""
    app.router.routes.append(WebSocketRoute(PATH, _serve))


async def _serve(websocket: WebSocket) -> None:
    surface: Surface = websocket.app.state.surface
    agent: str = websocket.path_params["agent"]
    try:
        surface.service.agent(agent)
    except AgentNotFound as error:
        await websocket.send_denial_response(refusal(websocket.state.request_id, error))
        return
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)

    async def send(text: str) -> None:
        try:
            await websocket.send_text(text)
        except WebSocketDisconnect:
            raise ConnectionResetError("the client is gone") from None

    connection = Connection(surface.service, websocket.state.owner, agent, send)
    try:
        await _listen(websocket, connection, surface.body_limit)
    except ConnectionError:
        pass
    finally:
        await connection.close()


async def _listen(websocket: WebSocket, connection: Connection, limit: int) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        data: str | bytes = message.get("text") or message.get("bytes") or ""
        if _size(data) > limit:
            await connection.close()
            await websocket.close(_TOO_BIG, f"a frame is at most {limit} bytes")
            return
        await connection.receive(data)


def _size(data: str | bytes) -> int:
    return len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
