"""The turns that run in this process, and whoever waits for the next one of a session."""

import asyncio
from collections.abc import Iterator

from sessionful.core.attempt import Attempt
from sessionful.core.feed import Feed
from sessionful.core.records import record_of
from sessionful.core.work import Stop
from sessionful.domain.event import TurnFailed
from sessionful.domain.session import SessionKey
from sessionful.domain.turn import TurnRecord


class Run:
    """A turn under way: its attempt, the task that carries it, the feed that tells of it. `then` does what is to be
    done after it."""

    then: "asyncio.Task[None] | None" = None

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.task = asyncio.create_task(attempt.run(), name=attempt.running.turn_id)

    @property
    def feed(self) -> Feed:
        return self.attempt.feed

    def record(self) -> TurnRecord:
        """From what this process has stored itself: a caller that waited costs no read."""
        attempt = self.attempt
        record = record_of(attempt.session.key.id, attempt.stored, attempt.running)
        last = self.feed.last
        if record.status == "running" and isinstance(last, TurnFailed):  # it could not be settled: say so
            return record.model_copy(update={"status": "failed", "error": last.error, "ended_at": attempt.clock()})
        return record


class Runs:
    """Belongs to one event loop. A run is forgotten when its task ends: from then on the log answers for it."""

    def __init__(self) -> None:
        self._runs: dict[SessionKey, Run] = {}
        self._awaited: dict[SessionKey, asyncio.Event] = {}

    def start(self, attempt: Attempt) -> Run:
        key = attempt.session.key
        run = self._runs[key] = Run(attempt)
        run.task.add_done_callback(lambda _: self._forget(key, run))
        if key in self._awaited:
            self._awaited.pop(key).set()
        return run

    def get(self, key: SessionKey, turn_id: str | None = None) -> Run | None:
        run = self._runs.get(key)
        return run if run is not None and turn_id in (None, run.attempt.running.turn_id) else None

    async def next_start(self, key: SessionKey, at_most: float) -> None:
        """Waits until a turn of the session starts in this process, or `at_most` seconds."""
        event = self._awaited.setdefault(key, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), at_most)
        except TimeoutError:
            self._awaited.pop(key, None)

    async def close(self, why: Stop = "interrupted") -> None:
        """Stop them all and wait until each is settled."""
        for run in self:
            run.attempt.stop(why)
        await asyncio.gather(*(run.task for run in self), return_exceptions=True)

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def _forget(self, key: SessionKey, run: Run) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]
