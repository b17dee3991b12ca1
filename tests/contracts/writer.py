"""A hand that writes turns into a log the way the core does: step by step, with the sums carried along."""

from collections.abc import Sequence
from typing import Any

from sessionful.domain.message import Message
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.turn import Admitted, Ending, Entry, Group, Lease, Queued, Window
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON
from tests.contracts.samples import KEY, LEASE_MS, STEP_USAGE, WINDOW, a_turn


class Writer:
    """The holder of a lease, with what its turn has stored so far, how many groups it has told, and, after a take-over,
    what the holder before it had flushed."""

    def __init__(self, log: SessionLog, lease: Lease, session: Session, stored: Sequence[Entry] = ()) -> None:
        self.log = log
        self.lease = lease
        self.session = session
        self.past: list[Entry] = []
        self.stored = list(stored)
        self.told = 0
        self.flushed: list[str] = []

    def entry(self, text: str = "well", **fields: Any) -> Entry:
        """The next step of the turn. Its first one brings the user's message along."""
        running = self.session.running
        assert running is not None
        given = () if self.stored else (running.message,)
        reply = Message.assistant(text)
        before = self.stored[-1] if self.stored else None
        said = len(given) + 1 + (fields.get("results") is not None)
        defaults = {
            "position": Position(self.lease.turn, len(self.stored) + 1),
            "turn_id": running.turn_id,
            "attempt": self.lease.attempt,
            "agent": running.agent,
            "at": NOON,
            "started_at": running.started_at,
            "given": given,
            "reply": reply,
            "usage": STEP_USAGE,
            "idempotency_key": running.idempotency_key,
            "message_count": (before.message_count if before else self.session.message_count) + said,
            "usage_total": (before.usage_total if before else self.session.usage) + STEP_USAGE,
        }
        return Entry(**{**defaults, **fields})

    async def append(self, text: str = "well", lease_until: int = NOON + 90_000, **fields: Any) -> Entry:
        entry = self.entry(text, **fields)
        await self.log.append(self.lease, entry, lease_until)
        self.stored.append(entry)
        return entry

    async def flush(self, *groups: str, lease_until: int = NOON + 90_000) -> bool:
        """Each text is a group of its own; none just prolongs the lease."""
        if not groups:
            return await self.log.flush(self.lease, None, lease_until)
        for text in groups:
            asked = await self.log.flush(self.lease, Group(self.told + 1, text), lease_until)
            self.told += 1
        return asked

    async def settle(self, text: str = "done", **fields: Any) -> Session:
        ending = Ending(status="completed", ended_at=NOON, steps=len(self.stored) + 1)
        entry = self.entry(text, **{"ending": ending, **fields})
        head = await self.log.settle(self.lease, entry)
        self.stored.append(entry)
        return head


async def begin(
    log: SessionLog, key: SessionKey = KEY, text: str = "hello", window: Window = WINDOW, **fields: Any
) -> Writer:
    admitted = await log.begin(key, a_turn(text, **fields), window)
    assert isinstance(admitted, Admitted)
    writer = Writer(log, admitted.lease, admitted.session)
    writer.past = admitted.past
    return writer


async def take_turn(log: SessionLog, key: SessionKey = KEY, text: str = "hello", *replies: str) -> Session:
    """A whole turn: the user says `text`, each reply is a step of its own."""
    writer = await begin(log, key, text)
    *steps, last = replies or ("done",)
    for reply in steps:
        await writer.append(reply)
    return await writer.settle(last)


async def take_over(log: SessionLog, key: SessionKey = KEY, lease_until: int = NOON + 900_000) -> Writer:
    taken = await log.take_over(key, lease_until)
    assert taken is not None
    writer = Writer(log, taken.lease, taken.session, await log.turn(taken.session, taken.lease.turn))
    writer.flushed = taken.flushed
    return writer


async def wait_in_line(log: SessionLog, key: SessionKey = KEY, text: str = "later", **fields: Any) -> Queued:
    """A turn that waits, behind the one that runs or those that wait already."""
    queued = await log.begin(key, a_turn(text, wait=True, **fields), WINDOW)
    assert isinstance(queued, Queued)
    return queued


async def begin_next(log: SessionLog, key: SessionKey = KEY, lease_ms: int = LEASE_MS) -> Writer:
    """The turn that waited longest, admitted."""
    admitted = await log.begin_next(key, lease_ms, WINDOW)
    assert admitted is not None
    writer = Writer(log, admitted.lease, admitted.session)
    writer.past = admitted.past
    return writer
