"""The event loop under a command that a person waits for, and the signals that end it."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Foreground:
    """Between two runs the main thread is free to read the keyboard, and Ctrl-C there is an ordinary
    KeyboardInterrupt; while something runs, it cancels that (asyncio.Runner).

    Whoever ends the program from outside, by closing the terminal or with `kill`, interrupts it too: the turn that
    runs is settled before the program goes, and its session is free at once.
    """

    def __init__(self) -> None:
        self.leaving = False
        self._runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def __enter__(self) -> Self:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else nobody is there to interrupt
            for number in _ENDING:
                if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has it ignored
                    signal.signal(number, self._leave)
        self._runner.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.close()

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self.leaving = True
        signal.raise_signal(signal.SIGINT)
