"""A real server with sockets on a free port of this machine, and a client's end of one."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sessionful.core.service import Service
from sessionful.surfaces.http.app import create_app
from sessionful.surfaces.websocket.route import add_to
from tests.surfaces.house import a_service, until

Told = dict[str, Any]


class House:
    """`url` is where the sockets are, `http` the same place without them."""

    def __init__(self, app: FastAPI, server: uvicorn.Server, port: int) -> None:
        self.app, self.server = app, server
        self.url, self.http = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"

    @property
    def service(self) -> Service:
        service: Service = self.app.state.surface.service
        return service

    @asynccontextmanager
    async def talk(
        self, agent: str = "assistant", protocols: Sequence[str] = (), **options: Any
    ) -> AsyncIterator["Talk"]:
        offered = [Subprotocol(protocol) for protocol in protocols] or None
        path = f"{self.url}/agents/{agent}/stream"
        async with connect(path, proxy=None, subprotocols=offered, close_timeout=1, **options) as connection:
            yield Talk(connection)

    async def stop(self) -> None:
        """As a process does: the turns first."""
        await self.service.let_go()
        self.server.should_exit = True


class Talk:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **fields: Any) -> None:
        await self.connection.send(json.dumps(fields))

    async def next(self) -> Told:
        async with asyncio.timeout(10):
            told: Told = json.loads(await self.connection.recv())
        return told

    async def some(self, count: int) -> list[Told]:
        return [await self.next() for _ in range(count)]

    async def whole(self, turns: int = 1) -> list[Told]:
        """Up to the closing frame of so many turns."""
        heard = list[Told]()
        while sum(map(closing, heard)) < turns:
            heard.append(await self.next())
        return heard

    async def ask(self, **fields: Any) -> list[Told]:
        await self.say(**fields)
        return await self.whole()


@asynccontextmanager
async def a_house(app: FastAPI) -> AsyncIterator[House]:
    add_to(app)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", ws="websockets-sansio", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    house = House(app, server, listener.getsockname()[1])
    try:
        yield house
    finally:
        server.should_exit = True
        with contextlib.suppress(Exception):
            await house.service.close()
        await running
        listener.close()


def serving(*replies: Any, **fields: Any) -> contextlib.AbstractAsyncContextManager[House]:
    """One agent, `assistant`."""
    return a_house(create_app(a_service(*replies, **fields)))


def closing(told: Told) -> bool:
    return bool(told.get("done") or told.get("final"))


def text(heard: Iterable[Told]) -> str:
    """What a client has on its screen, in either form."""
    shown = ""
    for told in heard:
        kind, content = told.get("chunkType"), told.get("content")
        beside = content if kind == "metadata" and content is not None else told
        if "chunk" in told:
            shown += told["chunk"]
        elif kind == "text":
            shown += told["content"]
        elif "superseded" in beside:
            shown = shown[: beside["superseded"]["keep"]]
    return shown
