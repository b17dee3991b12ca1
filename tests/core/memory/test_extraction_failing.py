"""Extraction where something fails, is slow or is deleted meanwhile: nothing is lost, nothing is left over."""

from collections.abc import Sequence

import pytest

from sessionful.core.agent import Agent
from sessionful.core.memory.extraction import progress_log, remember
from sessionful.domain.error import ModelUnavailable, SessionNotFound
from sessionful.domain.memory import Memory, Scope
from sessionful.domain.session import Session
from sessionful.domain.usage import Usage
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.ports import Finish, TextPiece
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.core.memory.remembering import (
    Remembering,
    fact,
    found,
)

ROME, BERLIN = "The user lives in Rome", "The user lives in Berlin"
HERE = Scope("guide", "ada", "s")


async def test_a_failing_model_leaves_the_turns_for_the_next_time() -> None:
    home = Remembering([ModelUnavailable("away"), found(fact(ROME))])
    here = await home.session("s", "I live in Rome")
    with pytest.raises(ModelUnavailable):
        await home.remember(here)
    await home.remember(here)
    assert await home.texts(HERE) == [ROME]


async def test_an_answer_that_is_no_list_of_facts_is_asked_for_once_more() -> None:
    home = Remembering(["Rome it is", found(fact(ROME))])
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    assert await home.texts(HERE) == [ROME]
    assert home.model.requests[0].schema is not None


async def test_a_model_that_never_gives_a_list_is_not_asked_about_the_same_turns_for_ever() -> None:
    home = Remembering(["Rome it is"])
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    await home.remember(here)
    assert len(home.model.requests) == 2
    assert await home.texts(HERE) == []


async def test_an_embedder_that_is_away_delays_the_vector_not_the_memory() -> None:
    away = ScriptedEmbedder(failures=[ModelUnavailable("away")] * 3, dimensions=256)
    home = Remembering([found(fact(ROME)), found()], embedder=away)
    here = await home.session("s", "I live in Rome")
    with pytest.raises(ModelUnavailable):
        await home.remember(here)
    assert [(one.text, one.model) for one in await home.kept(HERE)] == [(ROME, None)]
    await home.remember(await home.say(here, "I have a dog"))
    assert [(one.text, one.model) for one in await home.kept(HERE)] == [(ROME, away.name)]


async def test_memories_of_another_embedder_are_embedded_anew() -> None:
    home = Remembering([found()])
    here = await home.session("s", "I have a dog")
    await home.know(here, ROME, model="other:2", vector=(1.0, 0.0))
    await home.remember(here)
    (kept,) = await home.kept(HERE)
    assert kept.model == home.embedder.name
    assert kept.vector == (await home.embedder.embed([ROME]))[0]


async def test_a_long_past_is_read_in_pieces_and_a_failure_loses_only_the_last() -> None:
    said = [f"My cat number {n} is called Tom-{n}. " + "It sleeps a lot. " * 300 for n in range(8)]
    home = Remembering([found(fact("The user has cats")), ModelUnavailable("away"), found(fact("The user has toms"))])
    here = await home.session("s", *said)
    with pytest.raises(ModelUnavailable):
        await home.remember(here)
    read = len(home.model.requests)
    await home.remember(here)
    first, failed, again = (request.messages[0].text for request in home.model.requests[:3])
    assert read == 2
    assert "Tom-0" in first
    assert "Tom-0" not in failed + again
    assert sorted(await home.texts(HERE)) == ["The user has cats", "The user has toms"]


class _DeletedMeanwhile(InMemoryBank):
    """Its session is deleted, and what it left erased, before the memories of it arrive."""

    log: InMemoryLog
    session: Session

    async def store(self, memories: Sequence[Memory]) -> list[Memory]:
        try:
            await self.log.delete(self.session.key)
        except SessionNotFound:
            return await super().store(memories)
        await self.forget(memories[0].scope, self.session.log)
        return await super().store(memories)


async def test_what_comes_after_its_session_was_deleted_is_not_kept() -> None:
    home = Remembering([found(fact(ROME))], storage_scope="conversational")
    bank = _DeletedMeanwhile(home.clock)
    bank.log, bank.session = home.log, await home.session("s", "I live in Rome")
    agent = Agent("guide", home.model, home.log, home.agents["guide"].settings, (), bank, home.embedder)
    await remember(agent, home.log, bank.session)
    assert bank.raw_count() == 0


async def test_what_an_expired_session_leaves_stays_when_another_sweeper_has_erased_it_meanwhile() -> None:
    home = Remembering([found(fact(ROME))], storage_scope="conversational")
    bank = _DeletedMeanwhile(home.clock)
    bank.log, bank.session = home.log, await home.session("s", "I live in Rome")
    agent = Agent("guide", home.model, home.log, home.agents["guide"].settings, (), bank, home.embedder)
    await remember(agent, home.log, bank.session, flush=True)
    assert [memory.text for memory in (await bank.page(Scope("guide", "ada"), 9)).memories] == [ROME]


async def test_how_far_it_came_goes_with_the_sessions_summaries() -> None:
    home = Remembering()
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    await home.bank.forget_summaries("ada", "guide", progress_log(here.log))
    assert home.bank.raw_count() == 0


async def test_a_list_without_an_end_is_not_asked_for_again() -> None:
    endless = [TextPiece('{"facts": [{"text": "The user'), Finish("max_tokens", Usage())]
    home = Remembering([endless, found(fact(ROME))])
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    await home.remember(here)
    assert len(home.model.requests) == 1
    assert "max_tokens" in home.model.requests[0].options
