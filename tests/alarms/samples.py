"""Wakes to be set, and what was heard of them."""

from sessionful.alarms.bell import Bell, Ring
from sessionful.domain.session import SessionKey
from sessionful.ports import Wake

AGAIN = 30.0
"""Seconds after which what was heard and not done rings again."""


def a_wake(turn: str = "t1") -> Wake:
    return Wake(SessionKey("ada", "guide", "trip"), turn)


async def heard(bell: Bell, limit: int = 10) -> list[Ring]:
    """What is due now; waits for nothing."""
    return await bell.hear(limit, 0, AGAIN)


def turns(rings: list[Ring]) -> list[str]:
    return [ring.wake.turn_id for ring in rings]
