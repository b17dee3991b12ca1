"""Take over a turn whose holder let its lease run out, and close it: nothing of it is lost, and the session goes on."""

import contextlib

from sessionful.core.attempt import as_json
from sessionful.domain.error import LeaseLost, TurnInterrupted
from sessionful.domain.session import Position, SessionKey
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage
from sessionful.ports import Clock, SessionLog


async def close_dead_turn(log: SessionLog, key: SessionKey, clock: Clock, lease_ms: int) -> None:
    """Settle it as interrupted, with its finished steps and the user's text. Nothing happens when it is not dead."""
    taken = await log.take_over(key, clock() + lease_ms)
    if taken is None or taken[1].running is None:
        return
    lease, session = taken
    running = taken[1].running
    stored = await log.turn(session, lease.turn)
    given = () if stored else (running.message,)
    now = clock()
    ending = Ending(
        status="interrupted",
        ended_at=now,
        steps=len(stored),
        usage=sum((entry.usage for entry in stored), Usage()),
        error=as_json(TurnInterrupted("the process that ran the turn died")),
    )
    entry = Entry(
        position=Position(lease.turn, len(stored) + 1),
        turn_id=running.turn_id,
        attempt=lease.attempt,
        agent=running.agent,
        at=now,
        started_at=running.started_at,
        given=given,
        ending=ending,
        idempotency_key=running.idempotency_key,
        message_count=session.message_count + len(given),
        usage_total=session.usage,
    )
    with contextlib.suppress(LeaseLost):  # somebody else was first
        await log.settle(lease, entry)
