"""A way to a server on which a test can hold everything up."""

import asyncio
from urllib.parse import urlsplit

from tests.loopback import Loopback


class Relay(Loopback):
    """Hands on what comes, both ways, while `flowing` is set."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        try:
            await asyncio.gather(self._hand_on(reader, back), self._hand_on(there, writer))
        finally:
            back.close()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()
