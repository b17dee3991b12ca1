"""Follow a session from turn to turn, also before there is one."""

from collections.abc import AsyncIterator

from sessionful.core.following import undone_end
from sessionful.core.runner import Runner
from sessionful.core.turns import POLL_SECONDS, TurnHandle
from sessionful.domain.error import InvalidRequest, SessionEnded
from sessionful.domain.event import Cursor, Told
from sessionful.domain.session import Session, SessionKey
from sessionful.ports import SessionLog


class Tail:
    def __init__(self, log: SessionLog, key: SessionKey, runner: Runner) -> None:
        self._log, self._key, self._runner = log, key, runner

    async def events(self, after: Cursor | None) -> AsyncIterator[Told]:
        """Behind a cursor: everything later, of its turn and of what comes next. Without one: the running turn from its
        start, or the next. Ends after the terminal event of a turn it told of. Raises InvalidRequest for a turn that
        cannot be yet, SessionEnded when none will follow."""
        head = await self._log.get(self._key)
        number = after.turn if after is not None else _next_number(head)
        if number > head.turns + 1:
            raise InvalidRequest("the session has no such turn yet", field="after")
        if after is not None and (undone := await self._undone(head, after)) is not None:
            yield undone
            return
        while True:
            told_any = False
            handle, passed = await self._numbered(max(number, 1))
            if handle is not None:
                async for told in handle.events(after):
                    told_any = True
                    yield told
                if told_any:
                    return
            if passed:
                number, after = number + 1, None
            else:
                await self._runner.runs.next_start(self._key, POLL_SECONDS)

    async def _undone(self, head: Session, after: Cursor) -> Told | None:
        """The end of the turn that the reader is in, when it was undone meanwhile: nothing else tells of it."""
        if await self._turn_id(head, after.turn) is not None:
            return None
        end = await undone_end(self._log, head, after.turn)
        return end if end is not None and after < end.cursor else None

    async def _numbered(self, number: int) -> tuple[TurnHandle | None, bool]:
        """The turn of that number, if there is one; and whether there is, or its time has passed without one."""
        run = self._runner.runs.get(self._key)
        if run is not None and run.attempt.running.number == number:
            return self._handle(run.attempt.session, run.attempt.running.turn_id), True
        session = await self._log.get(self._key)
        turn_id = await self._turn_id(session, number)
        if turn_id is not None:
            return self._handle(session, turn_id), True
        if number > session.turns and session.ended_at is not None:
            raise SessionEnded("the session was ended: no turn will follow", session_id=self._key.id)
        return None, number < _next_number(session)

    async def _turn_id(self, session: Session, number: int) -> str | None:
        if session.running is not None and session.running.number == number:
            return session.running.turn_id
        if number <= session.last.turn and (entries := await self._log.turn(session, number)):
            return entries[0].turn_id
        queue = await self._log.queued(self._key) if session.queued else []
        return next((waiting.turn_id for waiting in queue if waiting.number == number), None)

    def _handle(self, session: Session, turn_id: str) -> TurnHandle:
        return TurnHandle(session, turn_id, self._log, self._runner)


def _next_number(session: Session) -> int:
    """Of the turn that runs, else of the next that can."""
    if session.running is not None:
        return session.running.number
    return session.last.turn + 1 if session.queued else session.turns + 1
