"""What is remembered, in the hands of whom it is about: shown, added to, put right and erased."""

import contextlib
from typing import NamedTuple

from sessionful.core.agent import Agent
from sessionful.core.memory.facts import made, with_vectors
from sessionful.core.memory.scopes import may_change, scope_of, undone
from sessionful.core.once import digest
from sessionful.core.sessions import Sessions
from sessionful.domain.error import (
    Forbidden,
    IdempotencyConflict,
    InvalidRequest,
    MemoryNotFound,
    SessionExpired,
    SessionNotFound,
)
from sessionful.domain.memory import Kind, Memory, MemoryPage, Scope, digest_of
from sessionful.domain.session import SHARED_AGENT, Session
from sessionful.ports import MemoryBank

LONGEST = 4000
"""Characters of a memory's text."""


class _Reading(NamedTuple):
    """Who reads in which session, and in which scope. Without a bank there is nothing to read."""

    session: Session
    agent: Agent
    scope: Scope
    bank: MemoryBank | None


class Memories(Sessions):
    """Each method is about the memories that an agent reads in a session: the session's own agent or, where another may
    answer in it, the one that is named. In the scope `all` they are every owner's; only what nobody else has said is
    changed there."""

    async def list_memories(
        self,
        owner: str,
        agent: str | None,
        session_id: str,
        limit: int = 20,
        cursor: str | None = None,
        ended: bool = False,
    ) -> MemoryPage:
        """Newest first; with `ended` those that no longer hold, too, also because the session was rewound. A page may
        hold less than `limit` and yet not be the last. An agent without long-term memory has none."""
        if not 1 <= limit <= 100:
            raise InvalidRequest("limit is between 1 and 100", field="limit", given=limit)
        reading = await self._reading(owner, agent, session_id)
        if reading.bank is None:
            return MemoryPage([], None)
        page = await reading.bank.page(reading.scope, limit, cursor, ended)
        return page._replace(memories=[each for each in page.memories if ended or not undone(each, reading.session)])

    async def get_memory(self, owner: str, agent: str | None, session_id: str, memory_id: str) -> Memory:
        """Also one that no longer holds. Raises MemoryNotFound."""
        reading = await self._reading(owner, agent, session_id)
        return await _bank_with(reading, memory_id).get(reading.scope, memory_id)

    async def add_memory(
        self, owner: str, agent: str | None, session_id: str, text: str, idempotency_key: str | None = None
    ) -> Memory:
        """Have a fact remembered; one that is known already is answered as it is kept.

        Raises InvalidRequest where the agent keeps no facts, and IdempotencyConflict."""
        text = _checked(text)
        reading = await self._reading(owner, agent, session_id)
        bank = _bank_for_facts(reading)
        memory = await self._made(reading, text, "fact")
        if idempotency_key is not None:
            named = digest([*reading.scope, owner, session_id, idempotency_key])[:32]
            memory = memory.model_copy(update={"id": f"mem_{named}"})
        (kept,) = await bank.store([memory])
        if kept.id == memory.id and kept.digest != memory.digest:
            raise IdempotencyConflict("the idempotency key was used with another request")
        if kept.id != memory.id and undone(kept, reading.session):  # it has to hold wherever the session goes
            kept = await bank.supersede(reading.scope, kept.id, memory)
        return await self._unless_gone(reading, memory, kept)

    async def correct_memory(self, owner: str, agent: str | None, session_id: str, memory_id: str, text: str) -> Memory:
        """Put another in its place; the wrong one is kept as such. The same correction again is answered as it was.

        Raises MemoryNotFound for one that something else has replaced, too, and Forbidden for what only others have
        said."""
        text = _checked(text)
        reading = await self._reading(owner, agent, session_id)
        bank = _bank_with(reading, memory_id)
        wrong = await bank.get(reading.scope, memory_id)
        _check_said_by(owner, wrong)
        if wrong.ended_at is not None:
            return await _replaced(bank, wrong, text)
        if wrong.text == text:
            return wrong
        memory = await self._made(reading, text, wrong.kind)
        memory = memory.model_copy(update={"expires_at": wrong.expires_at})
        try:
            kept = await bank.supersede(reading.scope, memory_id, memory)
        except MemoryNotFound:  # another correction came in between
            kept = await _replaced(bank, await bank.get(reading.scope, memory_id), text)
        return await self._unless_gone(reading, memory, kept)

    async def delete_memory(self, owner: str, agent: str | None, session_id: str, memory_id: str) -> None:
        """Erase it. Raises MemoryNotFound, and Forbidden for what only others have said."""
        reading = await self._reading(owner, agent, session_id)
        bank = _bank_with(reading, memory_id)
        _check_said_by(owner, await bank.get(reading.scope, memory_id))
        await bank.delete(reading.scope, memory_id)

    async def _reading(self, owner: str, agent: str | None, session_id: str) -> _Reading:
        try:
            session = await self.get_session(owner, agent, session_id)
        except SessionNotFound:
            if agent is None or self.sole_agent is not None:
                raise
            session = await self.get_session(owner, None, session_id)
            if session.key.agent != SHARED_AGENT and not session.sharing:
                raise
        if agent is None and session.key.agent == SHARED_AGENT:
            raise InvalidRequest("this session has no agent of its own: name one", field="agent_id")
        reader = self.agent(agent or session.key.agent)
        remembers = reader.settings.memory.longterm is not None
        return _Reading(session, reader, scope_of(reader, session), reader.bank if remembers else None)

    async def _made(self, reading: _Reading, text: str, kind: Kind) -> Memory:
        memory = made(reading.scope, text, kind, self.clock())
        return (await with_vectors(reading.agent.embedder, [memory]))[0]

    async def _unless_gone(self, reading: _Reading, memory: Memory, kept: Memory) -> Memory:
        """What belongs to a session only goes with it, also when that was deleted while this was stored."""
        bank, session = reading.bank, reading.session
        if bank is None or reading.scope.session_id is None:
            return kept
        with contextlib.suppress(SessionNotFound, SessionExpired):
            if (await self.log_of(session.key.agent).get(session.key)).log == session.log:
                return kept
        if kept.id == memory.id:
            with contextlib.suppress(MemoryNotFound):
                await bank.delete(reading.scope, memory.id)
        raise SessionNotFound("there is no such session", session_id=session.key.id)


def _checked(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise InvalidRequest(f"a memory is a text of 1 to {LONGEST} characters", field="text", length=len(text))
    return text


def _bank_for_facts(reading: _Reading) -> MemoryBank:
    agent, longterm = reading.agent, reading.agent.settings.memory.longterm
    if reading.bank is None:
        raise InvalidRequest(f"agent {agent.name!r} has no long-term memory", field="agent_id")
    if longterm is not None and longterm.storage_scope == "summaries_only":
        raise InvalidRequest(f"agent {agent.name!r} remembers summaries only", field="agent_id")
    return reading.bank


def _bank_with(reading: _Reading, memory_id: str) -> MemoryBank:
    if reading.bank is None:
        raise MemoryNotFound("there is no such memory", memory_id=memory_id[:80])
    return reading.bank


def _check_said_by(owner: str, memory: Memory) -> None:
    if not may_change(owner, memory):
        raise Forbidden("only others have said this, so it is theirs to change", memory_id=memory.id)


async def _replaced(bank: MemoryBank, wrong: Memory, text: str) -> Memory:
    """What has taken its place, if that says the same."""
    with contextlib.suppress(MemoryNotFound):
        instead = await bank.get(wrong.scope, wrong.superseded_by or "")
        if instead.digest == digest_of(text):
            return instead
    raise MemoryNotFound(
        "this memory holds no longer: another is in its place", memory_id=wrong.id, superseded_by=wrong.superseded_by
    )
