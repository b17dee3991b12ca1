"""What the sample door tells in a process of its own: as a handler, and under uvicorn as behind the adapter."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.functions.doors import PATHS

REQUEST = "b7a1c5f0-4d0c-4c5e-9a57-6f0b4b6f7d11"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
LAMBDA = {
    "PYTHONPATH": PATHS,
    "AWS_LAMBDA_FUNCTION_NAME": "sample",
    "POWERTOOLS_SERVICE_NAME": "sessionful",
    "POWERTOOLS_METRICS_NAMESPACE": "sessionful",
}

Lines = list[dict[str, Any]]


class Told(NamedTuple):
    lines: Lines
    raised: str
    stdout: str

    @property
    def metrics(self) -> Lines:
        return [line for line in self.lines if "_aws" in line]

    @property
    def logged(self) -> Lines:
        return [line for line in self.lines if "_aws" not in line]


def called(*events: dict[str, Any], **environment: str) -> Told:
    """What a process tells that is given these events, one after the other."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.functions.observed_door"],
        env={**LAMBDA, **environment},
        input="\n".join(map(json.dumps, events)),
        capture_output=True,
        text=True,
        check=True,
    )
    return Told([json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.stdout)


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[tuple[httpx.Client, Path]]:
    """The application under uvicorn, and the file of what it tells."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = folder / "out"
    command = ["uvicorn", "tests.functions.observed_door:app", f"--port={port}", "--no-access-log"]
    with open(out, "w") as file:
        environment = {**LAMBDA, **environment}
        process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=file, stderr=file)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            give_up = time.monotonic() + 20
            while not _answers(client):
                assert time.monotonic() < give_up and process.poll() is None, out.read_text()
                time.sleep(0.05)
            yield client, out
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx.Client) -> bool:
    """As the adapter asks whether the application is ready: no invocation stands behind it."""
    try:
        return client.get("/").text == "one two"
    except httpx.ConnectError:
        return False


def adapters(**context: Any) -> dict[str, str]:
    """The headers that the Lambda Web Adapter adds to a request."""
    said = {"request_id": REQUEST, "deadline": 1_900_000_000_000, "xray_trace_id": TRACE, **context}
    return {
        "x-amzn-lambda-context": json.dumps(said),
        "x-amzn-request-context": json.dumps({"requestId": "of the url", "http": {"method": "GET"}}),
    }


def told_in(out: Path) -> Told:
    text = out.read_text()
    return Told([json.loads(line) for line in text.splitlines() if line.startswith("{")], "", text)
