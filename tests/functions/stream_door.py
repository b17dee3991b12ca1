"""The door `stream` as the Web Adapter's layer starts it: a web server in a process of its own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.functions.cloud import ROOT
from tests.functions.events import url_event

HANDLER = ROOT / "functions" / "stream.sh"
_PATIENCE = 30.0


def environment(wanted: Mapping[str, str], port: int) -> dict[str, str]:
    """Of a function that runs here: where Lambda would have its layers and its Python, this machine's are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SESSIONFUL_", "AWS_"))}
    paths = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
        "PYTHONPATH": str(ROOT / "functions" / "layer" / "python"),
    }
    return {**kept, **paths, "PORT": str(port), **wanted}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class StreamDoor:
    """`log` is what the process has written, once it has ended."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process = subprocess.Popen(
            [HANDLER], env=environment(wanted, self._port), cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.log = ""

    def wait_until_ready(self) -> None:
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up and self._process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"the door did not open: {self.stop()}")

    def stop(self) -> str:
        """What it wrote."""
        if self._process.poll() is None:
            self._process.terminate()
        self.log += self._process.communicate(timeout=_PATIENCE)[0].decode()
        return self.log

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=_PATIENCE)


@contextmanager
def stream_door(wanted: Mapping[str, str]) -> Iterator[StreamDoor]:
    door = StreamDoor(wanted)
    try:
        door.wait_until_ready()
        yield door
    finally:
        door.stop()


def adapters_headers(seconds: float = 60.0, user_id: str | None = None, **more: Any) -> dict[str, str]:
    """What the Web Adapter writes: the function's deadline in so many seconds, and the event's context."""
    context = {
        "request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "deadline": int((time.time() + seconds) * 1000),
        "invoked_function_arn": "arn:aws:lambda:eu-central-1:111122223333:function:stream",
        "xray_trace_id": None,
        "client_context": None,
        "identity": None,
        "tenant_id": None,
        "env_config": {"function_name": "stream", "memory": 512, "version": "$LATEST"},
        **more,
    }
    return {
        "x-amzn-lambda-context": json.dumps(context),
        "x-amzn-request-context": json.dumps(url_event("GET", "/", user_id=user_id)["requestContext"]),
    }
