"""Sessions as callers use them: make, find, change, end, fork, carry in and out."""

from collections.abc import Mapping, Sequence
from typing import Any

from sessionful.core import history
from sessionful.core.agent import Agent
from sessionful.core.directory import Directory
from sessionful.core.document import from_document, to_document
from sessionful.core.past import entries_from, fresh, given_entry, spoken, starting_from
from sessionful.domain.clock import now_ms
from sessionful.domain.error import InvalidRequest
from sessionful.domain.identity import new_session_id, turn_number
from sessionful.domain.message import Message
from sessionful.domain.session import (
    NewSession,
    Position,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
    check_session_id,
)
from sessionful.domain.turn import Entry
from sessionful.ports import Clock, SessionLog

_ALL = 1 << 30


class Sessions(Directory):
    """Every method takes the owner from the caller's token and the agent from its path; `None` for the agent means
    the tree without one (see `Directory.locate`). `timeout` and `max_duration` are the defaults of new sessions (s)."""

    def __init__(
        self,
        agents: Sequence[Agent],
        log: SessionLog | None = None,
        *,
        timeout: float | None = None,
        max_duration: float | None = None,
        clock: Clock = now_ms,
    ) -> None:
        super().__init__(agents, log)
        self.clock = clock
        self._timeout, self._max_duration = timeout, max_duration

    async def create_session(self, owner: str, agent: str | None, new: NewSession) -> Session:
        """Raises SessionExists, AgentNotFound and InvalidRequest."""
        now = self.clock()
        session_id = check_session_id(new.session_id) if new.session_id is not None else new_session_id(now)
        home = self.home(agent)
        session = fresh(SessionKey(owner, home, session_id), now, new).model_copy(
            update={
                "sharing": new.sharing or (home in self.agents and self.agents[home].settings.sharing),
                "timeout": new.timeout if new.timeout is not None else self._timeout,
                "max_duration": new.max_duration if new.max_duration is not None else self._max_duration,
            }
        )
        entries = entries_from(new.messages, home, now)
        return await self.log_of(home).create(starting_from(session, entries), entries)

    async def get_session(self, owner: str, agent: str | None, session_id: str) -> Session:
        key = await self.locate(owner, agent, session_id)
        return await self.log_of(key.agent).get(key)

    async def list_sessions(
        self, owner: str, agent: str | None, limit: int = 20, cursor: str | None = None
    ) -> SessionPage:
        if not 1 <= limit <= 100:
            raise InvalidRequest("limit is between 1 and 100", field="limit", given=limit)
        log, names = self.sole_log() if agent is None else (self.log_of(self.agent(agent).name), [agent])
        return await log.list_sessions(owner, names, limit, cursor)

    async def change_session(
        self, owner: str, agent: str | None, session_id: str, change: SessionChange, if_version: int | None = None
    ) -> Session:
        """Raises VersionConflict when `if_version` is given and no longer current."""
        key = await self.locate(owner, agent, session_id)
        return await self.log_of(key.agent).change(key, change, if_version)

    async def end_session(self, owner: str, agent: str | None, session_id: str) -> Session:
        """Ended sessions can be read until they expire, not continued. Ending twice is no error."""
        session = await self.get_session(owner, agent, session_id)
        if session.ended_at is not None:
            return session
        return await self.log_of(session.key.agent).change(session.key, SessionChange(ended_at=self.clock()))

    async def delete_session(self, owner: str, agent: str | None, session_id: str) -> None:
        key = await self.locate(owner, agent, session_id)
        await self.log_of(key.agent).delete(key)

    async def fork_session(
        self, owner: str, agent: str | None, session_id: str, new_id: str | None = None, at: str | None = None
    ) -> Session:
        """A new session that shares the past up to `at`: a turn (`12`, or its id) or a step (`12.3`); default: all."""
        key = await self.locate(owner, agent, session_id)
        log, now = self.log_of(key.agent), self.clock()
        source = await log.get(key)
        child_id = check_session_id(new_id) if new_id is not None else new_session_id(now)
        child = fresh(SessionKey(owner, key.agent, child_id), now, source)
        return await log.fork(key, await self._position(log, source, at), child)

    async def history(
        self,
        owner: str,
        agent: str | None,
        session_id: str,
        limit: int = 20,
        before: str | None = None,
        after: str | None = None,
    ) -> history.HistoryPage:
        if not 1 <= limit <= 100:
            raise InvalidRequest("limit is between 1 and 100", field="limit", given=limit)
        session = await self.get_session(owner, agent, session_id)
        return await history.page(self.log_of(session.key.agent), session, limit, before, after)

    async def messages(self, owner: str, agent: str | None, session_id: str) -> list[Message]:
        session = await self.get_session(owner, agent, session_id)
        return spoken(await self.log_of(session.key.agent).read(session, _ALL))

    async def add_messages(
        self, owner: str, agent: str | None, session_id: str, messages: Sequence[Message]
    ) -> Session:
        """Put messages into the past without asking the model. Raises SessionBusy while a turn runs."""
        key = await self.locate(owner, agent, session_id)
        entry: Entry = given_entry(Position(1, 1), messages, key.agent, self.clock())
        return await self.log_of(key.agent).insert(key, entry)

    async def clear_session(self, owner: str, agent: str | None, session_id: str) -> Session:
        """Start anew under the same id: the past is no longer visible to anyone."""
        key = await self.locate(owner, agent, session_id)
        return await self.log_of(key.agent).rebase(key, (), 0)

    async def export_session(self, owner: str, agent: str | None, session_id: str) -> dict[str, Any]:
        session = await self.get_session(owner, agent, session_id)
        return to_document(session, spoken(await self.log_of(session.key.agent).read(session, _ALL)))

    async def import_session(
        self, owner: str, agent: str | None, document: Mapping[str, Any], session_id: str | None = None
    ) -> Session:
        """Raises SessionExists unless the document's id is free, or `session_id` gives it another."""
        new = from_document(document)
        return await self.create_session(
            owner, agent, new if session_id is None else new.model_copy(update={"session_id": session_id})
        )

    async def _position(self, log: SessionLog, source: Session, at: str | None) -> Position | None:
        if at is None:
            return None
        number = turn_number(at)
        fields = [str(number)] if number is not None else at.split(".")
        if not 1 <= len(fields) <= 2 or not all(f.isascii() and f.isdigit() and len(f) <= 10 for f in fields):
            raise InvalidRequest("'at' is a turn (12), a turn's step (12.3) or a turn's id", field="at", given=at[:80])
        if len(fields) == 2:
            return Position(int(fields[0]), int(fields[1]))
        entries = await log.turn(source, int(fields[0]))
        if not entries:
            raise InvalidRequest("the session has no such turn", field="at", given=at[:80])
        return entries[-1].position
