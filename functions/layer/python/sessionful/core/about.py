"""What a line of the log is about: ids that whoever formats the lines adds to each of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar

_NOTHING: Mapping[str, str] = {}

ids: ContextVar[Mapping[str, str]] = ContextVar("sessionful_ids", default=_NOTHING)
"""`session_id`, `turn_id`, `request_id`, as far as they are known here. Tasks have those of whoever started them."""


@contextmanager
def about(**more: str) -> Iterator[None]:
    """Everything inside is about these, too."""
    before = ids.set({**ids.get(), **more})
    try:
        yield
    finally:
        with suppress(ValueError):  # an abandoned task is closed by whoever comes across it, in a context of its own
            ids.reset(before)
