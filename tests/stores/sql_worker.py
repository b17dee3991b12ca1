"""Another process at the same database: `python -m tests.stores.sql_worker VERB URL NOW ...` tells what it does."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from sessionful.domain.error import SessionBusy
from sessionful.domain.turn import Admitted, Ending
from sessionful.stores.sql import SqlLog
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, a_turn
from tests.contracts.writer import Writer, begin, take_over, take_turn


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def opens(log: SqlLog, name: str) -> None:
    """Makes a session of its own."""
    await log.create(a_session(a_key(name)))
    tell("opened", name)


async def takes_turns(log: SqlLog, name: str, count: str) -> None:
    """Takes that many turns of three steps in one session, waiting while it is held by another."""
    tell("ready")
    sys.stdin.readline()
    done = 0
    while done < int(count):
        try:
            writer = await begin(log, text=f"{name} {done}")
        except SessionBusy:
            await asyncio.sleep(0.001)
            continue
        await writer.append(f"{name} first")
        await writer.append(f"{name} second")
        await writer.settle(f"{name} last")
        done += 1


async def asks_with_keys(log: SqlLog, count: str) -> None:
    """Begins one turn in each of the sessions 0, 1, 2, ..., with a key that everybody uses."""
    tell("ready")
    sys.stdin.readline()
    for number in range(int(count)):
        answer = await log.begin(a_key(str(number)), a_turn(idempotency_key="the key", request_hash="the same"), WINDOW)
        if isinstance(answer, Admitted):
            running = answer.session.running
            tell(number, "admitted", running.turn_id if running else None)
        else:
            tell(number, "attached", answer.turn_id)


async def tells_steps(log: SqlLog, count: str) -> None:
    """Takes turns of that many steps until its input ends; each step is told in three groups that name its place."""
    tell("ready")
    sys.stdin.readline()
    over = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    while not over.done():
        writer = await begin(log)
        for step in range(1, int(count) + 1):
            await writer.flush(*(f"{writer.lease.turn} {step} {part}" for part in range(3)))
            await (writer.append() if step < int(count) else writer.settle())


async def writes_until_killed(log: SqlLog) -> None:
    """Takes turn after turn, and tells each that is settled. A turn that a killed holder left is closed first."""
    head = await log.get(KEY)
    if head.running is not None:
        left = await take_over(log)
        ending = Ending(status="interrupted", ended_at=1, steps=len(left.stored))
        head = await Writer.settle(left, "closed", ending=ending)
    while True:
        head = await take_turn(log, KEY, f"turn {head.turns + 1} " + "m" * 5_000, "r" * 20_000, "done")
        tell(head.turns)


VERBS: dict[str, Callable[..., Awaitable[None]]] = {
    "opens": opens,
    "takes_turns": takes_turns,
    "asks_with_keys": asks_with_keys,
    "tells_steps": tells_steps,
    "writes_until_killed": writes_until_killed,
}


async def main(verb: str, url: str, now: str, *arguments: str) -> None:
    log = SqlLog.open(url, clock=ManualClock(int(now)))
    await VERBS[verb](log, *arguments)
    await log.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
