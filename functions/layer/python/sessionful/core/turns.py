"""What a caller holds of a turn it started or found: its events and its record, wherever it is carried."""

import asyncio
from collections.abc import AsyncIterator

from sessionful.core.feed import after as behind
from sessionful.core.following import Outside
from sessionful.core.runner import Runner
from sessionful.core.runs import Run
from sessionful.domain.event import TERMINAL, Cursor, Told
from sessionful.domain.session import Session
from sessionful.domain.turn import TurnRecord
from sessionful.ports import SessionLog

POLL_SECONDS = 0.3
_OPEN = ("running", "queued")


class TurnHandle:
    """A turn that was admitted, or waits. It goes on whether or not anybody listens.

    `session` is the head as it was then (or when the turn was found); `attached` tells that an idempotency key named a
    turn admitted before.
    """

    def __init__(self, session: Session, turn_id: str, log: SessionLog, runner: Runner, attached: bool = False) -> None:
        self.session, self.turn_id, self.attached = session, turn_id, attached
        self._runner = runner
        self._outside = Outside(log, session.key, turn_id, runner)

    async def events(self, after: Cursor | None = None) -> AsyncIterator[Told]:
        """Every event behind the cursor, once, in order, live or from the log; ends after the terminal event.
        Closing it stops the listening, not the turn."""
        cursor, last = after, None
        while True:
            run = self._here()
            if run is not None:
                async for told in run.feed.read(cursor):
                    cursor = told.cursor
                    yield told
                last = run.feed.last
            else:
                tape = await self._outside.told(cursor)
                for told in tape:
                    rest = behind(told, cursor)
                    if rest is not None:
                        cursor = rest.cursor
                        yield rest
                last = tape[-1].event if tape else None
            if isinstance(last, TERMINAL):
                return
            await self._runner.runs.next_start(self.session.key, POLL_SECONDS)

    async def result(self, wait: float | None = None) -> TurnRecord:
        """The turn's record when it has ended, or after `wait` seconds as it then is (running, or queued), or when this
        process closes and the turn goes on in another."""
        loop = asyncio.get_running_loop()
        until = None if wait is None else loop.time() + wait
        while True:
            left = None if until is None else max(until - loop.time(), 0.0)
            run = self._runner.runs.get(self.session.key, self.turn_id)
            if run is not None:
                await asyncio.wait({run.task}, timeout=left)
                record = run.record()
                over = not run.task.done()
            else:
                record = await self._outside.record()
                over = left == 0
            if record.status not in _OPEN or over or (run is None and self._runner.closing):
                return record
            if run is None:
                await self._runner.runs.next_start(self.session.key, min(POLL_SECONDS, left or POLL_SECONDS))

    def _here(self) -> Run | None:
        """Its run in this process, unless its feed was closed before the turn's end: then it goes on elsewhere."""
        run = self._runner.runs.get(self.session.key, self.turn_id)
        return run if run is not None and (not run.feed.ended or isinstance(run.feed.last, TERMINAL)) else None
