"""X-Ray: each request is a part of its trace where that is on, and nothing is loaded where it is off."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions.observed import LAMBDA, TRACE, Lines, adapters, called, serving


@pytest.fixture
def daemon() -> Iterator[tuple[str, Lines]]:
    """X-Ray's, as it listens beside a function: its address, and what it was sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.2)
        heard: Lines = []
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    heard.append(json.loads(listening.recv(65_536).split(b"\n", 1)[1]))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", heard
        over.set()
        thread.join()


def test_where_it_is_traced_each_request_is_a_part_of_its_trace(tmp_path: Path, daemon: tuple[str, Lines]) -> None:
    address, heard = daemon
    with serving(tmp_path, AWS_XRAY_DAEMON_ADDRESS=address, LAMBDA_TASK_ROOT="/var/task") as (client, _):
        other = TRACE.replace("1-5759e988", "1-5759e989")
        client.get("/", headers=adapters())
        client.get("/?500", headers=adapters(xray_trace_id=other))
    called({}, AWS_XRAY_DAEMON_ADDRESS=address, LAMBDA_TASK_ROOT="/var/task", _X_AMZN_TRACE_ID=TRACE)
    give_up = time.monotonic() + 5
    while len(heard) < 3 and time.monotonic() < give_up:
        time.sleep(0.05)
    assert [(one["name"], one["trace_id"][:10], one["parent_id"], one.get("fault")) for one in heard] == [
        ("## stream", "1-5759e988", "53995c3f42cd8ad8", None),
        ("## stream", "1-5759e989", "53995c3f42cd8ad8", True),
        ("## sample", "1-5759e988", "53995c3f42cd8ad8", None),
    ]
    assert [one["annotations"]["ColdStart"] for one in heard] == [True, False, True]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "LAMBDA_TASK_ROOT": "/var/task", "POWERTOOLS_TRACE_DISABLED": "1"},
        {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "LAMBDA_TASK_ROOT": "/var/task", "AWS_SAM_LOCAL": "true"},
    ],
    ids=["elsewhere", "asked for", "sam local"],
)
def test_where_nothing_is_traced_nothing_of_it_is_loaded(environment: dict[str, str]) -> None:
    code = "import sys, functions.observability; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**LAMBDA, **environment}, capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("aws_xray_sdk", "boto3", "botocore."))]
