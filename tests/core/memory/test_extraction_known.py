"""Extraction against what is known already: duplicates are merged, contradicted facts end."""

import pytest

from sessionful.core.agent import Agent
from sessionful.domain.memory import Scope
from sessionful.domain.session import Position
from sessionful.models.scripted import ScriptedModel
from tests.core.memory.remembering import (
    Remembering,
    fact,
    found,
    number_of,
    repeating,
    replacing,
)

ROME, BERLIN = "The user lives in Rome", "The user lives in Berlin"
HERE = Scope("guide", "ada", "s")


async def test_what_is_known_already_gains_a_source_and_is_not_kept_twice() -> None:
    home = Remembering([found(fact(ROME)), found(fact(ROME.upper() + "."))], storage_scope="conversational")
    first = await home.session("one", "I live in Rome")
    second = await home.session("two", "As you know I live in Rome")
    await home.remember(first)
    await home.remember(second)
    (kept,) = await home.kept(Scope("guide", "ada"))
    assert [source.session_id for source in kept.sources] == ["one", "two"]


@pytest.mark.parametrize("reply", [repeating(ROME, "Rome is home to the user"), found(fact("The users live in Rome"))])
async def test_the_same_in_other_words_is_not_kept_twice_either(reply: object) -> None:
    home = Remembering([found(fact(ROME)), reply])  # type: ignore[list-item]
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    await home.remember(await home.say(here, "My home is Rome"))
    (kept,) = await home.kept(HERE)
    assert (kept.text, len(kept.sources)) == (ROME, 2)


async def test_a_contradicted_fact_ends_and_the_two_name_each_other() -> None:
    home = Remembering([found(fact(ROME)), replacing(ROME, BERLIN, 2)])
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    here = await home.say(here, "I live in Berlin now")
    await home.remember(here)
    assert await home.texts(HERE) == [BERLIN]
    old, new = sorted(await home.kept(HERE, ended=True), key=lambda one: one.created_at)
    assert (old.text, old.superseded_by, old.ended_at) == (ROME, new.id, new.created_at)
    assert new.supersedes == (old.id,)
    assert await home.recalled(here, "Do I live in Berlin?") == [BERLIN]


async def test_one_fact_may_replace_several() -> None:
    home = Remembering([found(fact(ROME), fact("The user lives alone"))])
    here = await home.session("s", "I live in Rome, alone")
    await home.remember(here)
    both = lambda request: found(  # noqa: E731
        fact("The user lives in Berlin with Mia", 2, replaces=[number_of(ROME, request), number_of("alone", request)])
    )
    home.agents["guide"] = Agent(
        "guide", ScriptedModel([both]), home.log, home.agents["guide"].settings, (), home.bank, home.embedder
    )
    await home.remember(await home.say(here, "I live in Berlin with Mia now"))
    assert await home.texts(HERE) == ["The user lives in Berlin with Mia"]


async def test_a_session_that_is_read_late_does_not_replace_what_was_said_after_it() -> None:
    home = Remembering([found(fact(BERLIN)), replacing(BERLIN, ROME)], storage_scope="conversational")
    old = await home.session("old", "I live in Rome")
    home.clock.now += 86_400_000
    new = await home.session("new", "I live in Berlin")
    await home.remember(new)
    await home.remember(old)
    assert await home.texts(Scope("guide", "ada")) == [BERLIN]


async def test_numbers_that_name_nothing_do_no_harm() -> None:
    home = Remembering([found(fact(ROME, turn=77, repeats=[0, 9, -1], replaces=[5]))])
    here = await home.session("s", "I live in Rome")
    await home.remember(here)
    (kept,) = await home.kept(HERE)
    assert kept.sources[0].at == Position(1, 1)
