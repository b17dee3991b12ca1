"""Follow a turn from outside: what its log tells of it, whichever process carries it, and whether or not any does."""

from collections.abc import Sequence
from typing import NamedTuple

from sessionful.core.groups import Heard, read_group
from sessionful.core.records import record_of, waiting_record
from sessionful.core.replay import replay
from sessionful.core.resumption import told_before
from sessionful.core.runner import Runner
from sessionful.domain.error import SessionExpired, TurnNotFound
from sessionful.domain.event import Cursor, Told, TurnWasCancelled
from sessionful.domain.identity import turn_number
from sessionful.domain.session import QueuedTurn, RunningTurn, Session, SessionKey
from sessionful.domain.turn import Entry, TurnRecord, Watched
from sessionful.ports import SessionLog


class View(NamedTuple):
    """One look: `running` is the turn where it runs, `waiting` where it waits, `flushed` what is flushed of its open
    step."""

    session: Session
    entries: list[Entry]
    running: RunningTurn | None = None
    waiting: QueuedTurn | None = None
    flushed: Sequence[str] = ()


async def undone_end(log: SessionLog, head: Session, number: int) -> Told | None:
    """The end of a turn of the session's own log that was undone: cancelled, at the place where its tape ends."""
    if head.own_after < number:
        return None
    hidden = await log.turn(head.model_copy(update={"past": (), "own_after": number - 1}), number)
    if not hidden:
        return None
    return Told(replay(head.key.id, hidden)[-1].cursor, TurnWasCancelled(turn_id=hidden[0].turn_id))


class Outside:
    """Looks at one turn, again and again. Each look costs one read while nothing is stored: steps are read anew only
    when the head has moved."""

    def __init__(self, log: SessionLog, key: SessionKey, turn_id: str, runner: Runner) -> None:
        self._log, self._key, self._runner = log, key, runner
        self._turn_id, self._number = turn_id, turn_number(turn_id) or 0
        self._seen: tuple[int, list[Entry]] | None = None
        self._groups: dict[str, Heard] = {}

    async def told(self, behind: Cursor | None) -> list[Told]:
        """The turn's tape as far as it is told by now. Raises TurnNotFound; once a reader has begun, a turn that was
        undone ends for it as cancelled, and so does one that the session was forked or rewound in the middle of."""
        try:
            view = await self.look()
        except TurnNotFound:
            if behind is None:
                raise
            undone = await undone_end(self._log, await self._log.get(self._key), self._number)
            return [undone or self._gone(behind)]
        if view.running is None:
            told = replay(self._key.id, view.entries)
            cut = bool(view.entries) and view.entries[-1].ending is None
            return [*told, self._gone(told[-1].cursor)] if cut else told
        told = told_before(view.session, view.running, view.entries)
        end, step = told[-1].cursor, len(view.entries) + 1
        heard = [self._read(text) for text in view.flushed]
        return told + [one for group in heard if group.step == step for one in group.told if one.cursor > end]

    def _gone(self, last: Cursor) -> Told:
        return Told(last._replace(position=last.position + 1), TurnWasCancelled(turn_id=self._turn_id))

    async def record(self) -> TurnRecord:
        view = await self.look()
        if view.waiting is not None:
            return waiting_record(self._key.id, view.waiting)
        return record_of(self._key.id, view.entries, view.running)

    async def look(self) -> View:
        """Sees to it on the way that somebody carries the turn: whoever comes first takes over. Raises
        SessionNotFound, SessionExpired and TurnNotFound."""
        version = 0
        while True:
            session, flushed = await self._watched()
            entries = await self._entries(session)
            running = session.running
            if running is not None and running.turn_id == self._turn_id:
                return View(session, entries, running, flushed=flushed)
            if entries and entries[-1].turn_id == self._turn_id:
                return View(session, entries)
            queue = await self._log.queued(self._key) if session.queued else []
            waiting = next((one for one in queue if one.turn_id == self._turn_id), None)
            if waiting is not None:
                return View(session, [], waiting=waiting)
            if session.version == version:
                raise TurnNotFound("the session has no such turn", turn_id=self._turn_id[:80])
            version = session.version  # it may have begun since: look once more

    async def _watched(self) -> Watched:
        try:
            watched = await self._log.watch(self._key)
        except SessionExpired:
            await self._runner.revive(self._key)  # what waits for nobody: the turn of a dead holder
            return await self._log.watch(self._key)
        if await self._runner.stir(watched.session):
            watched = await self._log.watch(self._key)
        return watched

    async def _entries(self, session: Session) -> list[Entry]:
        if self._seen is None or self._seen[0] != session.version:
            self._seen = session.version, await self._log.turn(session, self._number)
        return self._seen[1]

    def _read(self, text: str) -> Heard:
        if text not in self._groups:
            self._groups[text] = read_group(text, self._number)
        return self._groups[text]
