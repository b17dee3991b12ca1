"""Servers to kill: each has a name, a port of its own for as long as it is torn down and put up again, and a log."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from tests.torture.server import Options

ROOT = Path(__file__).parents[2]
_UP_SECONDS = 20.0
_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}
KILLED = -signal.SIGKILL


class House:
    """Where servers come from; see nursery.py."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.folder = folder
        self._process, self._talking = process, asyncio.Lock()

    async def ask(self, verb: str, *arguments: Any) -> Any:
        async with self._talking:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write((json.dumps([verb, *arguments]) + "\n").encode())
            line = await self._process.stdout.readline()
        assert line, "the nursery is gone: " + (self.folder / "nursery.log").read_text()
        return json.loads(line)


class Host:
    """One server, up or down. `deaths` counts how often it was killed, by others or by itself."""

    def __init__(self, house: House, name: str) -> None:
        self.name, self.port = name, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.deaths = 0
        self.log = house.folder / f"{name}.log"
        self._house, self._child = house, 0

    @property
    def up(self) -> bool:
        return self._child != 0

    async def start(self, options: Options) -> None:
        self._child = await self._house.ask("start", {**asdict(options), "port": self.port}, str(self.log))

    async def ready(self) -> bool:
        """Waits until it answers. False when it died before."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_UP_SECONDS):
            while not await self.dead():
                try:
                    if (await http.get(f"{self.url}/health")).status_code == 200:
                        return True
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
        return False

    async def dead(self) -> bool:
        """Whether it has ended by itself, which only SIGKILL may make it do."""
        if not self.up:
            return True
        status = await self._house.ask("look", self._child)
        if status is not None:
            self._buried(status, KILLED)
        return status is not None

    async def outlive(self, seconds: float) -> bool:
        """Waits so long, or until it has ended by itself. Whether it is still there."""
        give_up = time.monotonic() + seconds
        while not (dead := await self.dead()) and time.monotonic() < give_up:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
        return not dead

    async def kill(self) -> None:
        if self.up:
            self._buried(await self._house.ask("end", self._child, signal.SIGKILL), KILLED)

    async def stop(self) -> None:
        """SIGTERM: it lets go of its turns first; one that has only just begun to live has none."""
        if self.up:
            self._buried(await self._house.ask("end", self._child, signal.SIGTERM), 0, -signal.SIGTERM, KILLED)

    def _buried(self, status: int, *expected: int) -> None:
        self._child = 0
        self.deaths += status == KILLED
        assert status in expected, f"server {self.name} ended with {status}: {self.log.read_text()[-4000:]}"


@asynccontextmanager
async def a_house(folder: Path, store: str) -> AsyncIterator[House]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions/layer/python")])
    with (folder / "nursery.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.torture.nursery",
            cwd=ROOT,
            env={**os.environ, **_KEYS, "PYTHONPATH": path},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        house = House(process, folder)
        await house.ask("warm", store)
        yield house
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def tracebacks(hosts: Sequence[Host]) -> list[str]:
    """What the servers did not expect themselves, as their logs have it."""
    found = []
    for host in hosts:
        text = host.log.read_text() if host.log.exists() else ""
        for piece in text.split("Traceback (most recent call last)")[1:]:
            found.append(f"server {host.name} logged: {piece[-1500:] if len(piece) > 3000 else piece}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
