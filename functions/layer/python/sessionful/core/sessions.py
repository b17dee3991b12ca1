"""Sessions as callers use them: make, find, change, end, fork, name points and go back, carry in and out."""

import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from sessionful.core import history, points
from sessionful.core.agent import Agent
from sessionful.core.directory import Directory
from sessionful.core.document import from_document, to_document
from sessionful.core.erasure import clear_place, erase_session
from sessionful.core.once import same_request
from sessionful.core.past import fresh, given_entry, spoken, starting_from
from sessionful.core.place import entry_at
from sessionful.core.state import state_at
from sessionful.domain.clock import now_ms
from sessionful.domain.error import InvalidRequest, SessionExists, SessionExpired, SessionNotFound
from sessionful.domain.identity import new_session_id
from sessionful.domain.message import Message
from sessionful.domain.session import (
    Checkpoint,
    NewSession,
    Position,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
    check_session_id,
)
from sessionful.domain.transcript import check_given, check_past
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
        """Raises SessionExists, AgentNotFound and InvalidRequest. With `made_with`, what the same request has made
        before is the answer; IdempotencyConflict is raised when another with its key made it."""
        check_past(new.messages)
        now = self.clock()
        home = self.home(agent)
        key = await self._place(owner, home, new.session_id, now)
        session = fresh(key, now, new).model_copy(
            update={
                "sharing": new.sharing or (home in self.agents and self.agents[home].settings.sharing),
                "timeout": new.timeout if new.timeout is not None else self._timeout,
                "max_duration": new.max_duration if new.max_duration is not None else self._max_duration,
                "made_with": new.made_with,
            }
        )
        return await self._once(session, self.log_of(home).create(*starting_from(session, new.messages)))

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
        """Erase it, with all that was remembered of it alone."""
        await erase_session(self, await self.locate(owner, agent, session_id))

    async def fork_session(
        self,
        owner: str,
        agent: str | None,
        session_id: str,
        new_id: str | None = None,
        at: str | None = None,
        made_with: str | None = None,
    ) -> Session:
        """A new session that shares the past and the state as they were at a turn (`12`, or its id) or a step (`12.3`);
        by default, as they are. `made_with` is as in `create_session`. Raises SessionExists and TurnNotFound."""
        key = await self.locate(owner, agent, session_id)
        log, now = self.log_of(key.agent), self.clock()
        source = await log.get(key)
        child_key = await self._place(owner, key.agent, new_id, now)
        like, place = source, None
        if at is not None:
            entry = await entry_at(log, source, at)
            like, place = source.model_copy(update={"state": await state_at(log, source, entry)}), entry.position
        child = fresh(child_key, now, like).model_copy(update={"made_with": made_with})
        return await self._once(child, log.fork(key, place, child))

    async def create_checkpoint(
        self,
        owner: str,
        agent: str | None,
        session_id: str,
        name: str | None = None,
        made_with: str | None = None,
    ) -> Checkpoint:
        """Name the point where the session is; without a name it gets one. `made_with` is as in `create_session`.

        Raises SessionBusy while a turn runs or waits, CheckpointExists when another point has the name, and
        InvalidRequest for a name that cannot be, or when there are too many."""
        key = await self.locate(owner, agent, session_id)
        return await points.create_checkpoint(self.log_of(key.agent), key, name, made_with, self.clock())

    async def checkpoints(self, owner: str, agent: str | None, session_id: str) -> list[Checkpoint]:
        """In the order they were made."""
        return list((await self.get_session(owner, agent, session_id)).checkpoints)

    async def rewind_session(self, owner: str, agent: str | None, session_id: str, to: str) -> Session:
        """Bring messages and state back to a checkpoint (by its name), a turn (`12`, or its id) or a step (`12.3`).

        Raises SessionBusy while a turn runs or waits, CheckpointNotFound, TurnNotFound and SessionEnded."""
        key = await self.locate(owner, agent, session_id)
        return await points.rewind(self.log_of(key.agent), key, to, self.clock())

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
        check_given(messages)
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
        self,
        owner: str,
        agent: str | None,
        document: Mapping[str, Any],
        session_id: str | None = None,
        made_with: str | None = None,
    ) -> Session:
        """Raises SessionExists unless the document's id is free, or `session_id` gives it another. `made_with` is as in
        `create_session`."""
        new = from_document(document)
        named = {"session_id": session_id if session_id is not None else new.session_id, "made_with": made_with}
        return await self.create_session(owner, agent, new.model_copy(update=named))

    async def _place(self, owner: str, agent: str, session_id: str | None, now: int) -> SessionKey:
        """The key of a new session; without an id it gets one."""
        if session_id is None:
            return SessionKey(owner, agent, new_session_id(now))
        key = SessionKey(owner, agent, check_session_id(session_id))
        await clear_place(self, key, now)
        return key

    async def _once(self, session: Session, making: Awaitable[Session]) -> Session:
        """What is made, or what the same request made before."""
        try:
            return await making
        except SessionExists:
            with contextlib.suppress(SessionNotFound, SessionExpired):
                there = await self.log_of(session.key.agent).get(session.key)
                if same_request(session.made_with, there.made_with):
                    return there
            raise
