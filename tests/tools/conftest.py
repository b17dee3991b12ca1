"""A work directory and the context of a call."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessionful.ports import ToolContext


def a_context(work_dir: Path | str | None = None, deadline: float = math.inf, agent: str = "coder") -> ToolContext:
    place = None if work_dir is None else str(work_dir)
    return ToolContext("sess_1", "turn_1_x", "call_1", agent, "alice", place, deadline)


@pytest.fixture
def new_context() -> Callable[..., ToolContext]:
    return a_context


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.fixture
def context(work_dir: Path) -> ToolContext:
    return a_context(work_dir)


@pytest.fixture
def nothing_is_left_behind(work_dir: Path) -> Iterator[None]:
    """Neither a process nor an open descriptor; a thread that is just ending may take a moment."""
    descriptors = len(os.listdir("/proc/self/fd"))
    yield
    until = time.monotonic() + 2
    while time.monotonic() < until and (processes_of(work_dir) or len(os.listdir("/proc/self/fd")) > descriptors):
        time.sleep(0.02)
    assert processes_of(work_dir) == []
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def processes_of(work_dir: Path) -> list[str]:
    """The command lines of living processes whose HOME is the work directory."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            environment = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if f"HOME={work_dir}".encode() in environment:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found
