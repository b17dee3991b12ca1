"""What a caller holds of a turn it started or found, and how the events of one that runs elsewhere are followed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from sessionful.core.feed import after as behind
from sessionful.core.replay import replay
from sessionful.core.runs import Run
from sessionful.domain.event import TERMINAL, Cursor, Told
from sessionful.domain.session import Session, SessionKey
from sessionful.domain.turn import Entry, TurnRecord

POLL_SECONDS = 0.5


class TurnHandle:
    """A turn that was admitted. It goes on whether or not anybody listens.

    `session` is the head as it was at admission (or when the turn was found); `attached` tells that an idempotency
    key named a turn admitted before.
    """

    def __init__(
        self,
        session: Session,
        turn_id: str,
        run: Run | None,
        stored: Callable[[SessionKey, str], Awaitable[tuple[list[Entry], TurnRecord]]],
        attached: bool = False,
    ) -> None:
        self.session, self.turn_id, self.attached = session, turn_id, attached
        self._run, self._stored = run, stored

    async def events(self, after: Cursor | None = None) -> AsyncIterator[Told]:
        """Every event behind the cursor, once, in order, live or from the log; ends after the terminal event."""
        if self._run is not None:
            async for told in self._run.feed.read(after):
                yield told
            return
        cursor = after
        while True:
            entries, _ = await self._stored(self.session.key, self.turn_id)
            for told in replay(self.session.key.id, entries):
                rest = behind(told, cursor)
                if rest is not None:
                    cursor = told.cursor
                    yield rest
                if isinstance(told.event, TERMINAL):
                    return
            await asyncio.sleep(POLL_SECONDS)

    async def result(self, wait: float | None = None) -> TurnRecord:
        """The turn's record when it has ended, or after `wait` seconds as it then is (its status may be `running`)."""
        if self._run is not None:
            await asyncio.wait({self._run.task}, timeout=wait)
            return self._run.record()
        waited = 0.0
        while True:
            _, record = await self._stored(self.session.key, self.turn_id)
            if record.status != "running" or (wait is not None and waited >= wait):
                return record
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
