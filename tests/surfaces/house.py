"""A small house to test surfaces in: agents over the in-memory store and scripted models, behind the HTTP surface."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings
from sessionful.domain.message import Message, Text, ToolCall
from sessionful.domain.usage import Usage
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Finish, MemoryBank, ModelRequest, Piece, SessionLog, TextPiece, Tool, ToolContext, ToolSpec
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app


class Says:
    """A tool that answers with a fixed text."""

    def __init__(self, name: str, text: str) -> None:
        self.spec = ToolSpec(name, f"Says {text!r}.", {"type": "object", "properties": {}})
        self._text = text

    async def call(self, arguments: Any, context: ToolContext) -> str:
        return self._text


class Gate:
    """A model's reply that says one word at a time, each only when it is let."""

    def __init__(self, *words: str) -> None:
        self._words, self._permits, self.said = words, asyncio.Semaphore(0), 0

    def let(self, words: int = 1) -> None:
        for _ in range(words):
            self._permits.release()

    async def __call__(self, request: ModelRequest) -> AsyncIterator[Piece]:
        for word in self._words:
            await self._permits.acquire()
            self.said += 1
            yield TextPiece(word)
        yield Finish("end_turn", Usage(input_tokens=3, output_tokens=len(self._words)))


CODER: Sequence[Reply] = (
    Message.assistant(
        [
            Text(text="Let me create that file..."),
            ToolCall(id="c1", name="write_file", arguments={"path": "hello.py", "content": "print('Hello')"}),
        ]
    ),
    Message.assistant(
        [
            Text(text="Now let me test it..."),
            ToolCall(id="c2", name="execute_command", arguments={"command": "python hello.py"}),
        ]
    ),
    "The program works correctly!",
)
TOOLS = (Says("write_file", "File created successfully."), Says("execute_command", "Hello"))


def settings(**fields: Any) -> AgentSettings:
    return AgentSettings.model_validate(fields)


def an_agent(
    log: SessionLog,
    name: str = "assistant",
    replies: Sequence[Reply] = (),
    tools: Sequence[Tool] = (),
    bank: MemoryBank | None = None,
    **fields: Any,
) -> Agent:
    """With a bank it has an embedder, too."""
    model, embedder = ScriptedModel(replies, name=f"{name}-model"), ScriptedEmbedder() if bank is not None else None
    return Agent(name, model, log, settings(**fields), tools, bank, embedder)


def a_service(*replies: Reply, tools: Sequence[Tool] = (), **fields: Any) -> Service:
    """One agent, `assistant`."""
    return Service([an_agent(InMemoryLog(), "assistant", replies, tools, **fields)])


def an_app(*replies: Reply, **fields: Any) -> FastAPI:
    return create_app(a_service(*replies, **fields))


async def by_header(connection: HTTPConnection) -> str:
    """Whoever the request says: for tests of what belongs to whom."""
    return connection.headers["x-test-user"]


async def until(true: Callable[[], bool]) -> None:
    """Waits for something that nobody announces."""
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError("it did not come true within 10 seconds")


async def asked_until(client: httpx.AsyncClient, path: str, over: str) -> Any:
    """What is at the path once its status is no longer this one."""
    for _ in range(2000):
        found = (await client.get(path)).json()
        if found["status"] != over:
            return found
        await asyncio.sleep(0.005)
    raise TimeoutError(f"{path} is still {over} after 10 seconds")


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """In the same process, without a socket: whole answers only."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield client
    await app.state.surface.service.close()


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A real server on a free port of this machine, and a client of it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await app.state.surface.service.close()
        await running
        listener.close()
