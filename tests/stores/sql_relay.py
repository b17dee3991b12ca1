"""A relay before a PostgreSQL that can lose an answer: the server commits, and the client never hears of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import make_url

_CHUNK = 1 << 16
_COMMIT = b"COMMIT\0"


class Relay:
    """`url` is the database through the relay. `lost` counts the answers that were; `meanwhile` is done before the
    client learns that its line is cut."""

    def __init__(self, url: str) -> None:
        self._upstream = make_url(url)
        self._armed = threading.Event()
        self.url = ""
        self.lost = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    def lose_next_answer(self) -> None:
        """The next COMMIT is carried out, and its connection breaks."""
        self._armed.set()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        host, port = self._upstream.host or "127.0.0.1", self._upstream.port or 5432
        server, to_server = await asyncio.open_connection(host, port)
        lose = asyncio.Event()
        answers = asyncio.create_task(self._answer(server, to_client, lose))
        while sent := await client.read(_CHUNK):
            if _COMMIT in sent and self._armed.is_set():
                self._armed.clear()
                lose.set()
            to_server.write(sent)
        to_server.close()
        await answers

    async def _answer(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, lose: asyncio.Event) -> None:
        while told := await server.read(_CHUNK):
            if lose.is_set():  # the server has spoken, so it has committed
                self.lost += 1
                if self.meanwhile is not None:
                    await self.meanwhile()
                break
            to_client.write(told)
        to_client.close()


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[Relay]:
    made = Relay(url)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made.url = make_url(url).set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    async with server:
        yield made
