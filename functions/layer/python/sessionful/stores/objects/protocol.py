"""What a place for objects does, and how an object is named."""

import re
from typing import Protocol

_NAME = re.compile(r"[\w~-]+/[\w~-]+", re.ASCII)


class Objects(Protocol):
    """Bytes by name. An object is put once and never changed; a name is `<log>/<nonce>`.

    Every method blocks until it is done, so it is called in a thread. Each raises RateLimited and StoreUnavailable, and
    may be said twice without harm.
    """

    def put(self, name: str, content: bytes) -> None:
        """When this returns, a crash takes it no more."""
        ...

    def get(self, name: str) -> bytes | None:
        """None when nothing has this name (any more)."""
        ...

    def drop(self, name: str) -> None:
        """Erase one, which need not be there."""
        ...

    def erase(self, prefix: str) -> None:
        """Erase all whose names begin with this: a log, a slash, and what follows it."""
        ...

    def close(self) -> None: ...


def checked(name: str) -> str:
    """The name. Raises ValueError for one that could lead elsewhere: no caller makes names of what people write."""
    if not _NAME.fullmatch(name):
        raise ValueError("an object's name is a log and a nonce, with a slash between them")
    return name


def checked_prefix(prefix: str) -> str:
    """Raises ValueError for one that does not name a log."""
    checked(f"{prefix}x")
    return prefix
