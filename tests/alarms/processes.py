"""Processes that work on the same file of alarms as the test; none outlives its test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 60

Process = subprocess.Popen[str]


@contextmanager
def process(verb: str, file: Path, *arguments: object) -> Iterator[Process]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions/layer/python")])
    command = [sys.executable, "-m", "tests.alarms.queue_worker", verb, str(file), *map(str, arguments)]
    pipe, environment = subprocess.PIPE, {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def go(started: Process) -> None:
    """Waits until it has opened the file, and lets it go on."""
    assert line(started) == "ready"
    assert started.stdin is not None
    started.stdin.write("go\n")
    started.stdin.flush()


def line(started: Process) -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


def rest(started: Process) -> list[str]:
    """All it still has to tell, once it has ended well."""
    told, _ = started.communicate(timeout=SECONDS)
    assert started.returncode == 0
    return told.splitlines()
