"""Lambda's Runtime API, of which the tests see when each piece of an answer arrives. (AWS's own emulator holds a
streamed answer back until it is whole.)"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.loopback import Loopback

_END = b"\0" * 8
_HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response"


@dataclass
class Invocation:
    """`chunks` are the answer's, each with the seconds it took since the invocation."""

    event: Any
    deadline: float
    id: str = field(default_factory=lambda: str(uuid4()))
    begun: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    error: Any = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def prelude(self) -> dict[str, Any]:
        """Status, headers and cookies, which stand before the body of a streamed answer."""
        assert self.headers["content-type"] == _HTTP_INTEGRATION
        assert self.headers["lambda-runtime-function-response-mode"] == "streaming"
        told: dict[str, Any] = json.loads(self._whole().partition(_END)[0])
        return told

    @property
    def body(self) -> bytes:
        return self._whole().partition(_END)[2]

    def when(self, text: bytes) -> float:
        """Seconds until the body's first piece with this text had arrived."""
        return next(at for at, chunk in self.chunks if text in chunk)

    def _whole(self) -> bytes:
        return b"".join(chunk for _, chunk in self.chunks)


class RuntimeApi(Loopback):
    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Queue[Invocation] = asyncio.Queue()
        self._given: dict[str, Invocation] = {}

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    async def invoke(self, event: Any, seconds: float = 60.0) -> Invocation:
        """Until the answer is over."""
        invocation = Invocation(event, time.time() + seconds)
        self._waiting.put_nowait(invocation)
        async with asyncio.timeout(90):
            await invocation.over.wait()
        return invocation

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            await self._answer(method, path, headers, reader, writer)

    async def _answer(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        *_, about, verb = path.split("/")
        if (method, verb) == ("GET", "next") and about == "invocation":
            writer.write(await self._next())
        elif method == "GET":  # an extension waits for what happens next, which is nothing
            await asyncio.Event().wait()
        elif verb == "response":
            invocation = self._given[about]
            invocation.headers = headers
            async for chunk in _body(headers, reader):
                invocation.chunks.append((time.monotonic() - invocation.begun, chunk))
            writer.write(_head(202, b'{"status":"OK"}'))
            invocation.over.set()
        else:
            text = b"".join([chunk async for chunk in _body(headers, reader)])
            if verb == "error" and about in self._given:
                self._given[about].error = json.loads(text)
                self._given[about].over.set()
            writer.write(_head(200, b"{}", **{"Lambda-Extension-Identifier": str(uuid4())}))
        await writer.drain()

    async def _next(self) -> bytes:
        invocation = await self._waiting.get()
        self._given[invocation.id] = invocation
        invocation.begun = time.monotonic()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:111122223333:function:stream",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }
        return _head(200, json.dumps(invocation.event).encode(), **headers)


def _head(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} OK", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _body(headers: dict[str, str], reader: asyncio.StreamReader) -> Any:
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", "0")))
        return
    while size := int((await reader.readline()).partition(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
