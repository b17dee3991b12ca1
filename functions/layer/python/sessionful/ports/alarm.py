"""Alarms: a worker is woken to look at a turn that may have lost its holder."""

from typing import NamedTuple, Protocol

from sessionful.domain.session import SessionKey


class Wake(NamedTuple):
    """A turn that somebody should look at."""

    key: SessionKey
    turn_id: str


class Alarm(Protocol):
    """Has a worker look at a turn later. It may ring late, and twice; whoever finds nothing to do does nothing."""

    async def set(self, wake: Wake, delay: float) -> None:
        """In `delay` seconds, or somewhat later; 0: as soon as a worker is free. Raises StoreUnavailable."""
        ...
