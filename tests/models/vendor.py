"""A vendor's HTTP server on the loopback, that answers byte by byte what a script says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.loopback import Loopback


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    connection: int


class Exchange:
    """One request and the means to answer it."""

    def __init__(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        fields = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def hang_up(self) -> None:
        self._writer.close()

    async def client_left(self) -> None:
        """Returns once the client has closed its side of the connection."""
        try:
            while await self._reader.read(4096):
                pass
        except ConnectionError:
            pass


Script = Callable[[Exchange], Awaitable[None]]


def streams(body: bytes, cut: int | None = None, headers: Mapping[str, str] | None = None) -> Script:
    """The whole body, in pieces of `cut` bytes, and the end of it."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(headers=headers)
        step = cut or len(body)
        for start in range(0, len(body), step):
            await exchange.chunk(body[start : start + step])
        await exchange.end()

    return answer


def refuses(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Script:
    """An error, as JSON or as the bytes given."""

    async def answer(exchange: Exchange) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"content-type": "application/json", **(headers or {})}
        await exchange.head(status, fields)
        await exchange.chunk(content)
        await exchange.end()

    return answer


async def breaks_off(exchange: Exchange) -> None:
    """No answer at all."""
    await exchange.hang_up()


class Slow:
    """Sends `first`, then waits to be told; notes whether the client stayed."""

    def __init__(self, first: bytes, rest: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self._first, self._rest, self._headers = first, rest, headers
        self.go_on, self.left = asyncio.Event(), asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.head(headers=self._headers)
        await exchange.chunk(self._first)
        going, leaving = asyncio.create_task(self.go_on.wait()), asyncio.create_task(exchange.client_left())
        await asyncio.wait({going, leaving}, return_when=asyncio.FIRST_COMPLETED)
        going.cancel()
        if leaving.done():
            self.left.set()
            return
        leaving.cancel()
        await exchange.chunk(self._rest)
        await exchange.end()


class Vendor(Loopback):
    """Plays `scripts` one after the other, the last one for ever, and keeps the requests."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        super().__init__()
        self._scripts = scripts
        self._connections = 0
        self.requests: list[Request] = []
        self.asked = asyncio.Event()

    @property
    def connections(self) -> int:
        return self._connections

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        while not writer.is_closing():
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method, path, headers, json.loads(body), connection)
            script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
            self.requests.append(request)
            self.asked.set()
            await script(Exchange(request, reader, writer))
