"""Runs a program, bounded in time and output, and leaves none of its processes behind."""

import asyncio
import contextlib
import math
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sessionful.tools.thread import in_thread

FLOOD_BYTES = 10_000_000
"""Who prints more is stopped."""

_FILE_BLOCKS = 200_000  # of 512 bytes, as POSIX counts them: 100 MB
_LIMITED = 'ulimit -c 0; ulimit -f "$1"; ulimit -t "$2"; shift 2; exec "$@"'
_LAST_WORDS = 1.0  # seconds to read what is still in the pipe after the program's end


class Finished(NamedTuple):
    """`ended` says why it was stopped; `code` is negative for the signal that ended it."""

    output: str
    code: int
    ended: str | None = None


class _Group:
    """A program and what it started, as one process group (unless they leave it: setsid(2) takes a process out)."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._lock = threading.Lock()

    def kill(self) -> None:
        with self._lock:
            if self._process.returncode is None:
                self._kill()

    def wait(self) -> int:
        """Blocks until the program ends; then ends what it left behind."""
        if hasattr(os, "waitid"):  # it stays a zombie for now, so that its group's number cannot become another's
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with self._lock:
            self._kill()
            return self._process.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


class _Kept:
    """The first and the last half of `limit` bytes: errors stand at the end, and what led there at the beginning."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head, self._tail = bytearray(), bytearray()
        self.total = 0

    def add(self, piece: bytes) -> None:
        self.total += len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def __str__(self) -> str:
        tail = self._tail[-self._half :]
        left_out = self.total - len(self._head) - len(tail)
        middle = f"\n[{left_out} bytes left out]\n".encode() if left_out else b""
        return (bytes(self._head) + middle + bytes(tail)).decode("utf-8", "replace")


async def run_process(
    argv: Sequence[str], *, folder: str, environment: Mapping[str, str], seconds: float, output_bytes: int
) -> Finished:
    """Its output and errors come as one text. Raises OSError when there is no such folder.

    The program has nothing to read, no core dumps, files of at most 100 MB, and `seconds` of time on every processor.
    """
    pipe, theirs = os.pipe()
    try:
        group = _Group(_start(argv, folder, environment, seconds, theirs))
    except BaseException:
        os.close(pipe)
        raise
    finally:
        os.close(theirs)
    kept = _Kept(output_bytes)
    # The pipe is ours and not the process's: a child that keeps it open must not keep us waiting for the program.
    reading = asyncio.create_task(_read(pipe, kept, group))
    exit_code = asyncio.create_task(in_thread(group.wait))
    ended = None
    try:
        await asyncio.wait({exit_code}, timeout=seconds)
        if not exit_code.done():
            ended = f"stopped after {round(seconds, 1):g} s"
    finally:
        group.kill()
        await asyncio.wait({reading}, timeout=_LAST_WORDS)
        reading.cancel()
        await asyncio.wait({reading, exit_code})
    if kept.total > FLOOD_BYTES:
        ended = f"stopped: it printed more than {FLOOD_BYTES} bytes"
    return Finished(str(kept), exit_code.result(), ended)


def _start(
    argv: Sequence[str], folder: str, environment: Mapping[str, str], seconds: float, output: int
) -> "subprocess.Popen[bytes]":
    """A shell sets the limits and becomes the program: code between fork and exec is not safe beside threads."""
    processor_seconds = math.ceil(seconds) * (os.cpu_count() or 1)
    return subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", str(_FILE_BLOCKS), str(processor_seconds), *argv],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


async def _read(pipe: int, kept: _Kept, group: _Group) -> None:
    reader = asyncio.StreamReader()
    ours = os.fdopen(pipe, "rb", buffering=0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), ours)
    try:
        while kept.total <= FLOOD_BYTES and (piece := await reader.read(65_536)):
            kept.add(piece)
    finally:
        transport.close()
        if kept.total > FLOOD_BYTES:
            group.kill()
