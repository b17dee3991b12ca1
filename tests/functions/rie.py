"""AWS's own Runtime Interface Emulator around a door: what Lambda's Runtime API makes of it, without Lambda.

Its program comes with the SAM CLI. SESSIONFUL_TEST_RIE says where it is, else it is looked for in a virtual environment
`.venv/tools/sam`, which `make tools` makes.
"""

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functions.cloud import ROOT
from tests.functions.stream_door import environment, free_port

_INVOKE = "/2015-03-31/functions/function/invocations"


def rie() -> str | None:
    """Its path, where it is installed."""
    arch = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "none")
    sam = ROOT / ".venv" / "tools" / "sam"
    found = sam.glob(f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{arch}")
    return os.environ.get("SESSIONFUL_TEST_RIE") or next(map(str, found), None)


needs_rie = pytest.mark.skipif(rie() is None, reason="the Runtime Interface Emulator is not installed (aws-sam-cli)")


class Emulated:
    """One function. It takes one request after the other, as an instance of Lambda's does."""

    def __init__(self, url: str, log: Path) -> None:
        self._url, self._log = url, log

    async def invoke(self, event: Any) -> str:
        """The answer's text: JSON, but for what the emulator says itself."""
        async with httpx.AsyncClient(timeout=90) as client:
            return (await client.post(f"{self._url}{_INVOKE}", json=event)).text

    async def answer(self, event: Any) -> Any:
        return json.loads(await self.invoke(event))

    def lines(self) -> list[dict[str, Any]]:
        """Of the function's log, those that are JSON."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def cold_starts(self) -> list[float]:
        """By its metrics: of each request, whether it was the first of its process."""
        return [line["cold_starts"][0] for line in self.lines() if "cold_starts" in line]


@contextmanager
def emulated(
    command: Sequence[str], wanted: Mapping[str, str], folder: Path, seconds: int = 30, port: int = 0
) -> Iterator[Emulated]:
    """`command` is the function's process, `seconds` what the function is given, `port` where a web server in it is."""
    emulator = rie()
    assert emulator is not None
    ports, log = (free_port(), free_port()), folder / f"rie-{free_port()}.log"
    own = {
        "AWS_LAMBDA_FUNCTION_NAME": "door",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "functions" / "layer" / "python")]),
    }
    addresses = [f"127.0.0.1:{one}" for one in ports]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                emulator,
                "--runtime-interface-emulator-address",
                addresses[0],
                "--runtime-api-address",
                addresses[1],
                "--log-level",
                "error",
                *command,
            ],
            env={**environment(wanted, port), **own},
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(f"http://{addresses[0]}", process)
        yield Emulated(f"http://{addresses[0]}", log)
    finally:
        process.kill()  # the function's own process ends by itself, when it finds nobody to ask for the next event
        process.wait(10)


def handler(door: str) -> list[str]:
    """The managed runtime's own program, with a door's handler."""
    return [sys.executable, "-m", "awslambdaric", f"functions.{door}.handler"]


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url)  # any answer will do
            return
        time.sleep(0.01)
    raise AssertionError("the emulator did not start")
