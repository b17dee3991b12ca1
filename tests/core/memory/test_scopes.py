"""Scopes: every border, tried from every side, on reading and on writing."""

from itertools import permutations
from typing import Any

import pytest

from sessionful.core.memory.scopes import may_change, scope_for, session_scope
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.memory import Memory, Scope, Source, digest_of
from sessionful.domain.session import Position, Session, SessionKey
from tests.core.memory.remembering import Remembering, fact, found

AGENTS = ("guide", "clerk")
OWNERS = ("ada", "bob")
SESSIONS = ("one", "two")
QUESTION = "Tell of the yellow submarine of captain Nemo"
SECRET = "The yellow submarine of captain Nemo is here"

CROSSED: dict[str, frozenset[str]] = {
    "session": frozenset(),
    "summaries_only": frozenset(),
    "conversational": frozenset({"session"}),
    "all": frozenset({"session", "owner"}),
}
"""Which of the three borders a memory of that scope crosses: no scope crosses an agent's."""


def crossed(one: SessionKey, other: SessionKey) -> frozenset[str]:
    borders = {"agent": one.agent != other.agent, "owner": one.owner != other.owner, "session": one.id != other.id}
    return frozenset(name for name, differs in borders.items() if differs)


async def every_session(home: Remembering, **fields: Any) -> list[Session]:
    """The same ids with each owner and agent."""
    return [
        await home.session(session_id, *fields.get("said", ()), owner=owner, agent=agent)
        for agent in AGENTS
        for owner in OWNERS
        for session_id in SESSIONS
    ]


@pytest.mark.parametrize("scope", CROSSED)
async def test_what_one_session_stores_is_read_within_the_borders_of_its_scope_only(scope: str) -> None:
    reply = SECRET if scope == "summaries_only" else found(fact(SECRET))
    for writer_at in range(8):
        home = Remembering([reply], AGENTS, storage_scope=scope)
        sessions = await every_session(home, said=[SECRET])
        writer = sessions[writer_at]
        await home.remember(writer, agent=writer.key.agent)
        for reader in sessions:
            seen = await home.recalled(reader, QUESTION, agent=reader.key.agent)
            allowed = crossed(writer.key, reader.key) <= CROSSED[scope]
            assert seen == ([SECRET] if allowed else []), (writer.key, reader.key)


@pytest.mark.parametrize(("one", "other"), [*permutations(("session", "conversational", "all"), 2)])
async def test_what_is_in_one_scope_is_never_read_in_another(one: str, other: str) -> None:
    home = Remembering([found(fact(SECRET))], storage_scope=one)
    here = await home.session("s", SECRET)
    await home.remember(here)
    changed = Remembering(storage_scope=other)
    changed.bank = home.bank
    agent = changed.agents["guide"]
    changed.agents["guide"] = type(agent)(
        "guide", agent.model, agent.log, agent.settings, bank=home.bank, embedder=home.embedder
    )
    assert await home.recalled(here, QUESTION) == [SECRET]
    assert await changed.recalled(here, QUESTION) == []


async def test_summaries_only_reads_no_fact_that_the_session_has() -> None:
    home = Remembering(storage_scope="session")
    here = await home.session("s")
    await home.know(here, SECRET)
    changed = Remembering(storage_scope="summaries_only")
    agent = changed.agents["guide"]
    changed.agents["guide"] = type(agent)(
        "guide", agent.model, agent.log, agent.settings, bank=home.bank, embedder=home.embedder
    )
    assert await changed.recalled(here, QUESTION) == []


async def test_a_session_without_an_agent_and_one_of_the_same_id_with_one_are_two() -> None:
    home = Remembering([found(fact(SECRET))], AGENTS, storage_scope="session")
    nobodys = await home.session("s", SECRET, agent=None)
    guides = await home.session("s", "Hello", agent="guide")
    await home.remember(nobodys)
    assert await home.recalled(nobodys, QUESTION) == [SECRET]
    assert await home.recalled(guides, QUESTION) == []


@pytest.mark.parametrize("scope", ["session", "conversational"])
async def test_a_fork_reads_its_past_for_what_is_its_own_and_not_for_what_is_common(scope: str) -> None:
    home = Remembering([found(fact(SECRET))], storage_scope=scope)
    here = await home.session("s", SECRET)
    fork = await home.service.fork_session("ada", "guide", "s", "fork")
    await home.remember(fork)
    assert len(home.model.requests) == (1 if scope == "session" else 0)
    if scope == "session":
        (kept,) = await home.kept(session_scope(fork.key))
        assert [(source.session_id, source.log) for source in kept.sources] == [("fork", here.log)]
        assert await home.recalled(here, QUESTION) == []
    await home.remember(here)
    assert await home.recalled(here, QUESTION) == [SECRET]
    assert await home.recalled(fork, QUESTION) == [SECRET]


async def test_in_the_scope_of_all_nobody_ends_what_only_others_said() -> None:
    home = Remembering([found(fact(SECRET)), found(fact("It sank", replaces=[1]))], storage_scope="all")
    await home.remember(await home.session("s", SECRET, owner="ada"))
    await home.remember(await home.session("s", "The submarine of captain Nemo sank", owner="bob"))
    assert sorted(await home.texts(Scope("guide"))) == ["It sank", SECRET]


def test_who_said_it_too_may_change_it_and_so_may_anybody_what_nobody_said() -> None:
    scope = Scope("guide")
    said = [Source(owner=owner, session_id="s", log=owner, at=Position(1, 1)) for owner in OWNERS]
    memory = Memory(id="m", scope=scope, text=SECRET, digest=digest_of(SECRET), created_at=1, sources=tuple(said))
    assert may_change("ada", memory)
    assert not may_change("eve", memory)
    assert may_change("eve", memory.model_copy(update={"sources": ()}))


def test_an_id_cannot_be_chosen_so_that_it_names_another_scope() -> None:
    keys = [
        SessionKey(owner, agent, name) for owner in ("a", "a b", "*") for agent in ("a", "*") for name in ("a", "*")
    ]
    scopes = {session_scope(key) for key in keys}
    scopes |= {scope_for(LongTermMemory(storage_scope="conversational"), key.agent, key) for key in keys}
    scopes |= {scope_for(LongTermMemory(storage_scope="all"), key.agent, key) for key in keys}
    assert len(scopes) == 12 + 6 + 2
