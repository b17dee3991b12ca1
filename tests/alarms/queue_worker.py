"""Another process at the same alarms: `python -m tests.alarms.queue_worker VERB FILE ...` tells what it does."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from sessionful.alarms.sqlite import SqliteAlarmQueue
from tests.alarms.samples import AGAIN, a_wake

SHORTLY = 1.0
"""Seconds after which what a killed process had heard rings again."""


def tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def sets(queue: SqliteAlarmQueue, name: str, count: str) -> None:
    for number in range(int(count)):
        await queue.set(a_wake(f"{name}.{number}"), 0)


async def clears(queue: SqliteAlarmQueue) -> None:
    """Tells each turn that it has heard of, until none is left."""
    while (rings := await queue.hear(3, 0, AGAIN)) or await queue.count():
        for ring in rings:
            tell(ring.wake.turn_id)
            await queue.done(ring.receipt)


async def hears_and_hangs(queue: SqliteAlarmQueue) -> None:
    [ring] = await queue.hear(1, 10, SHORTLY)
    tell(ring.wake.turn_id)
    await asyncio.sleep(600)


VERBS: dict[str, Callable[..., Awaitable[None]]] = {"sets": sets, "clears": clears, "hears_and_hangs": hears_and_hangs}


async def main(verb: str, file: str, *arguments: str) -> None:
    queue = SqliteAlarmQueue.open(file)
    tell("ready")
    sys.stdin.readline()
    await VERBS[verb](queue, *arguments)
    await queue.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
