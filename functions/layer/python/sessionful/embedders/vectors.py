"""What goes to a vendor and what comes back: texts that each takes, vectors of length 1."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from sessionful.domain.error import ModelError

T = TypeVar("T")
_LONGEST = 8000  # bytes; no tokenizer makes more tokens of a text than it has bytes, and vendors take 8192 tokens


def embeddable(text: str) -> str:
    """The text without what no vendor takes: its end when it is too long, halves of surrogate pairs, blank borders."""
    return text.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").strip()


def unit(values: Iterable[float], dimensions: int, name: str) -> tuple[float, ...]:
    """The vector at length 1. Raises ModelError when it is none, or another model's."""
    try:
        vector = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} gave something else than numbers") from error
    if len(vector) != dimensions:
        raise ModelError(f"{name} gave {len(vector)} numbers where it should give {dimensions}")
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise ModelError(f"{name} gave a vector without a direction")
    return tuple(value / length for value in vector) if length else nowhere(dimensions)


def nowhere(dimensions: int) -> tuple[float, ...]:
    """Stands for a blank text, which vendors refuse: it is like no other text, whatever the embedder."""
    return (1.0, *[0.0] * (dimensions - 1))


async def side_by_side(calls: Sequence[Callable[[], Awaitable[T]]], most: int) -> list[T]:
    """What the calls give, in order; at most `most` run at a time, and when one fails none goes on."""
    places = asyncio.Semaphore(most)

    async def placed(call: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await call()

    tasks = [asyncio.ensure_future(placed(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
