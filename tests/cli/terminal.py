"""A terminal (pty) with the command in it, and somebody who types."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.cli.command import PATIENCE, Command

_INTO_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """`screen` is all that was shown so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", side: int) -> None:
        self.process, self._side = process, side
        self.screen = ""
        self._seen = 0

    def type(self, text: str) -> None:
        os.write(self._side, text.encode())

    def expect(self, pattern: str) -> "re.Match[str]":
        """Waits for it to be shown behind what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.compile(pattern).search(self.screen, self._seen)):
            assert self._read(deadline), f"{pattern!r} never came; on the screen:\n{self.screen[self._seen :]}"
        self._seen = found.end()
        return found

    def interrupt(self) -> None:
        """Ctrl-C as a person presses it: once more when nothing happens, as between two reads of the terminal."""
        for _ in range(5):
            self.type(CTRL_C)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
                return

    def leave(self) -> int:
        """The exit code, after all that is still shown."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._side], [], [], max(0.0, deadline - time.monotonic()))
        try:
            told = os.read(self._side, 4096) if ready else b""
        except OSError:  # Linux says so when the other side was closed
            told = b""
        self.screen += _ESCAPES.sub("", told.decode("utf-8", "replace")).replace("\r\n", "\n")
        return bool(told)


@contextmanager
def terminal(command: Command, *arguments: str) -> Iterator[Terminal]:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _INTO_TERMINAL, *command.line(*arguments)],
        cwd=command.folder,
        env={**command.environment, "TERM": "xterm"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(ours)
