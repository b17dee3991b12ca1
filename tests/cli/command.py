"""Runs the command as its users do: a process with arguments, pipes and signals, in a folder of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sessionful

PACKAGES = str(Path(sessionful.__file__).parents[1])
PATIENCE = 30.0

CONFIG = """\
llms:
  slow:
    type: scripted
    replies: ["one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"]
    delay_ms: 100
  echo:
    type: scripted
session_stores:
  main-db:
    backend: sql
    sql:
      driver: sqlite  # or postgres, mysql
      database: ./data/sessions.db
agents:
  assistant:
    llm: echo
    session_store: "main-db"
  slow:
    llm: slow
    session_store: "main-db"
"""


class Command:
    """`folder` is where it runs, and where its store is."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        base = {name: value for name, value in os.environ.items() if not name.startswith("SESSIONFUL_")}
        given = {"SESSIONFUL_MODEL": "scripted", "PYTHONPATH": PACKAGES, "NO_COLOR": "1", "COLUMNS": "200"}
        self.environment = {**base, **given, **environment}
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")

    def line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "sessionful", *arguments]

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.line(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def out(self, *arguments: str, stdin: str = "") -> str:
        """What it prints when all goes well."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit code and stderr of a command that prints no answer."""
        done = self.run(*arguments, stdin=stdin)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    @contextmanager
    def start(self, *arguments: str, patience: float = PATIENCE) -> "Iterator[subprocess.Popen[str]]":
        """A command that goes on while the test does something; it is killed in the end if it still runs."""
        process = subprocess.Popen(
            self.line(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        alarm = threading.Timer(patience, process.kill)
        alarm.start()
        try:
            yield process
        finally:
            alarm.cancel()
            process.kill()
            process.communicate()

    @contextmanager
    def serving(self, *arguments: str) -> "Iterator[tuple[str, subprocess.Popen[str]]]":
        """A server on a free port, and its URL."""
        with self.start("serve", "--port", "0", *arguments, patience=20 * PATIENCE) as process:
            yield read_until(process, r"sessionful serves (http://\S+)")[1], process


def read_until(process: "subprocess.Popen[str]", pattern: str) -> "re.Match[str]":
    """Reads the process's output, character by character, until it holds the pattern."""
    assert process.stdout is not None
    said = ""
    while not (found := re.search(pattern + r"(?=\s)", said)):
        character = process.stdout.read(1)
        assert character, f"it ended after {said!r}: {process.stderr.read() if process.stderr else ''}"
        said += character
    return found
