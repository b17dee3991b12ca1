"""Real `sessionful worker` processes: they open no port, so they are asked for nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.serving import SOURCE


@contextmanager
def working(folder: Path, environment: Mapping[str, str], *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A worker that listens; killed in the end where it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "sessionful", "worker", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert any(line.startswith("Ctrl-C") for line in process.stdout)
            yield process
        finally:
            process.kill()
