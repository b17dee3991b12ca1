"""Races: everybody starts at once, and each is told how it went."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from sessionful.domain.error import AgentError

CROWD = 20
T = TypeVar("T")


async def outcomes(racers: Sequence[Awaitable[T]]) -> list[T | AgentError]:
    """What each racer got; only errors of the family count as an answer."""
    results = await asyncio.gather(*racers, return_exceptions=True)
    told: list[T | AgentError] = []
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, AgentError):
            raise result
        told.append(result)
    return told


def kinds(told: Sequence[object]) -> dict[str, int]:
    names = [type(one).__name__ for one in told]
    return {name: names.count(name) for name in set(names)}
