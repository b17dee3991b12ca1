"""Processes that work on the same database as the test; none outlives its test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contracts.clock import NOON

ROOT = Path(__file__).parents[2]
SECONDS = 120

Worker = subprocess.Popen[str]


@contextmanager
def worker(verb: str, url: str, *arguments: object, now: int = NOON) -> Iterator[Worker]:
    """A process at `url`, started; killed at the end when it is still there."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions/layer/python")])
    command = [sys.executable, "-m", "tests.stores.sql_worker", verb, url, str(now), *map(str, arguments)]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def start(process: Worker) -> None:
    """Waits until the worker is ready, and lets it go on."""
    assert line(process) == "ready"
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def line(process: Worker) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def rest(process: Worker) -> list[str]:
    """All it still has to tell, once it has ended well."""
    told, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    return told.splitlines()
