"""A gateway for WebSockets on this machine: real sockets on one side, events for a function on the other, and the
requests by which frames are sent. It forgets a connection as soon as it is gone, as API Gateway does."""

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.functions.events import Event
from tests.functions.websocket_events import connect_event, disconnect_event, frame_event
from tests.loopback import Loopback

Invoke = Callable[[Event], Coroutine[Any, Any, dict[str, Any]]]

_LARGEST = 32 * 1024


@dataclass
class Gateway:
    """`invoke` is the function. `user` is whose signature the gateway finds. `posts` are the frames that it was asked
    to send, by connection. `refuse` may answer a post with a status of its own."""

    invoke: Invoke
    user: str | None = None
    posts: list[tuple[str, str]] = field(default_factory=list)
    refuse: Callable[[str, str], int | None] = lambda connection, text: None
    sockets: dict[str, ServerConnection] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._management = await _Management(self).__aenter__()
        self._server: Server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._connect,
            select_subprotocol=_chosen,
            ping_interval=None,
            max_size=128 * 1024,
        )
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._server.close()
        await self._server.wait_closed()
        await self._management.__aexit__(*error)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def host(self) -> str:
        return self._management.url.removeprefix("http://")

    async def _connect(self, connection: ServerConnection, request: Request) -> Response | None:
        connection_id = f"{secrets.token_urlsafe(8)}="
        query = dict(parse_qsl(urlsplit(request.path).query))
        event = connect_event(
            connection_id, host=self.host, query=query, headers=request.headers.raw_items(), user=self.user
        )
        answer = await self.invoke(event)
        if answer["statusCode"] != 200:
            return connection.respond(HTTPStatus(answer["statusCode"]), answer.get("body", ""))
        connection.told = connection_id, answer.get("headers", {}).get("Sec-WebSocket-Protocol")  # type: ignore[attr-defined]
        self.sockets[connection_id] = connection
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        connection: str = socket.told[0]  # type: ignore[attr-defined]
        saying: set[asyncio.Task[Any]] = set()
        try:
            async for data in socket:  # each frame is an event of its own: nobody waits for the one before
                saying.add(asyncio.create_task(self.invoke(frame_event(connection, data, self.host))))
        except ConnectionClosed:
            pass
        finally:
            self.sockets.pop(connection, None)
            await asyncio.gather(*saying)
            await self.invoke(disconnect_event(connection, self.host))


def _chosen(socket: ServerConnection, offered: Any) -> Subprotocol | None:
    chosen: str | None = socket.told[1]  # type: ignore[attr-defined]
    return Subprotocol(chosen) if chosen else None


class _Management(Loopback):
    """POST and DELETE /STAGE/@connections/ID."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method, path, _ = line.decode().split(" ")
            length = 0
            while (header := await reader.readline()).strip():
                name, _, value = header.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            body = (await reader.readexactly(length)).decode()
            status = await self._answer(method, unquote(path.rpartition("/")[2]), body)
            kind = {410: "GoneException", 429: "LimitExceededException", 413: "PayloadTooLargeException"}.get(status)
            told = json.dumps({"message": kind}).encode() if kind else b""
            named = f"x-amzn-ErrorType: {kind}\r\n" if kind else ""
            writer.write(f"HTTP/1.1 {status} -\r\n{named}Content-Length: {len(told)}\r\n\r\n".encode() + told)
            await writer.drain()

    async def _answer(self, method: str, connection: str, text: str) -> int:
        gateway = self._gateway
        socket = gateway.sockets.get(connection)
        if socket is None:
            return 410
        if method == "DELETE":
            await socket.close()
            return 204
        if (status := gateway.refuse(connection, text)) is not None:
            return status
        if len(text.encode()) > _LARGEST:
            return 413
        gateway.posts.append((connection, text))
        try:
            await socket.send(text)
        except ConnectionClosed:
            return 410
        return 200
