"""How long this process may go on: a function is stopped at its deadline, and frozen once its request is answered.

Whatever is started inside `within` knows the deadline, the turns too: near it they are handed over.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LAST_WORDS = 2.0
"""Seconds before the deadline that belong to the last writes."""

_until: ContextVar[float | None] = ContextVar("sessionful_deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is inside ends, or lets go, in so many seconds."""
    before = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(before)


def seconds_left() -> float | None:
    """Until the last words; None where there is no deadline."""
    until = _until.get()
    return None if until is None else max(until - time.monotonic() - LAST_WORDS, 0.0)
