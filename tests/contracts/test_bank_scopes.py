"""Nothing crosses the border of a scope, whatever the names of its agent, owner and session."""

import pytest

from sessionful.domain.error import MemoryNotFound
from sessionful.domain.memory import Memory, Scope
from sessionful.ports import MemoryBank
from tests.contracts.bank_samples import EAST, MODEL, NORTH, a_memory, a_source, a_summary, alike, everything, texts_of

SCOPES = [
    Scope("guide"),
    Scope("guide", "ada"),
    Scope("guide", "ada", "trip"),
    Scope("guide", "ada", "trip2"),
    Scope("guide", "bo"),
    Scope("guide", "bo", "trip"),
    Scope("clerk"),
    Scope("clerk", "ada"),
    Scope("clerk", "ada", "trip"),
    Scope("guide", ""),
    Scope("guide", "", ""),
    Scope("guide", "ada", ""),
    Scope("guide", "ada", " "),
    Scope("guide", "ada", "\u0000"),
    Scope("guide", "None"),
    Scope("guide", "null"),
    Scope("guide", "*"),
    Scope("guide", "ada", "%"),
    Scope("guide", "ada", "*"),
    Scope("*", "ada", "trip"),
    Scope("guide", "Ada"),
    Scope("guide", "ada "),
    Scope("guide", "a", "da"),
    Scope("guide ada"),
    Scope("guide#ada"),
    Scope("guide", "ada#trip"),
    Scope("guide#ada", "trip"),
    Scope("guide", '","'),
    Scope('guide","ada'),
    Scope("guide", "é"),
    Scope("guide", "e\u0301"),
    Scope("🦊", "🌙", "日本語"),
    Scope("x" * 300, "y" * 300, "🦊" * 256),
]


async def filled(bank: MemoryBank) -> dict[Scope, Memory]:
    """The same in every scope: one id, one text, one digest, one log."""
    given = {
        scope: a_memory("Rome", scope, id="one", sources=(a_source("log"),), model=MODEL, vector=EAST)
        for scope in SCOPES
    }
    for memory in given.values():
        await bank.store([memory])
    return given


async def unchanged(bank: MemoryBank, given: dict[Scope, Memory], but: Scope) -> None:
    for scope, memory in given.items():
        if scope != but:
            assert [alike(one, memory) for one in await everything(bank, scope)] == [True], scope


async def test_every_scope_reads_its_own_only(bank: MemoryBank) -> None:
    given = await filled(bank)
    for scope, memory in given.items():
        assert alike(await bank.get(scope, "one"), memory)
        assert [one.memory.scope for one in await bank.search(scope, EAST, MODEL, ["rome"], 99)] == [scope]
        assert [one.scope for one in await bank.unlike(scope, "other", 99)] == [scope]
    await unchanged(bank, given, Scope("nobody"))


async def test_nothing_is_found_from_any_other_scope(bank: MemoryBank) -> None:
    for home in SCOPES[:3]:
        await bank.store([a_memory("secret", home, id="one", model=MODEL, vector=EAST)])
        for scope in SCOPES:
            if scope == home:
                continue
            assert await bank.search(scope, EAST, MODEL, ["secret"], 99) == []
            assert await everything(bank, scope) == []
            assert await bank.unlike(scope, "other", 99) == []
            with pytest.raises(MemoryNotFound):
                await bank.get(scope, "one")
            with pytest.raises(MemoryNotFound):
                await bank.delete(scope, "one")
            with pytest.raises(MemoryNotFound):
                await bank.supersede(scope, "one", a_memory("stolen", scope))
            await bank.revector(scope, [("one", "other", NORTH)])
            await bank.forget(scope, "log")
            await bank.erase(scope)
        assert texts_of(await bank.search(home, EAST, MODEL, [], 99)) == ["secret"]
        await bank.erase(home)


@pytest.mark.parametrize("which", [0, 1, 2, 9, 11])
async def test_a_change_in_one_scope_touches_no_other(bank: MemoryBank, which: int) -> None:
    given = await filled(bank)
    scope = SCOPES[which]
    await bank.revector(scope, [("one", "other", NORTH)])
    await unchanged(bank, given, but=scope)
    await bank.supersede(scope, "one", a_memory("Oslo", scope, sources=(a_source("log"),)))
    await unchanged(bank, given, but=scope)
    await bank.delete(scope, "one")
    await unchanged(bank, given, but=scope)
    await bank.forget(scope, "log")
    await unchanged(bank, given, but=scope)
    await bank.store([given[scope]])
    await bank.erase(scope)
    assert await everything(bank, scope) == []
    await unchanged(bank, given, but=scope)


async def test_a_summary_is_that_of_its_owner_agent_and_log(bank: MemoryBank) -> None:
    names = ["", " ", "a", "A", "a ", "é", "e\u0301", "a#b", '","', "🦊", "*", "%"]
    places = [(owner, agent, log) for owner in names for agent in names[:3] for log in names[:4]]
    for number, (owner, agent, log) in enumerate(places):
        await bank.keep_summary(owner, agent, a_summary(f"summary {number}", log=log))
    for number, (owner, agent, log) in enumerate(places):
        kept = await bank.summary(owner, agent, log)
        assert kept is not None
        assert (kept.text, kept.log) == (f"summary {number}", log)
    owner, agent, log = places[7]
    await bank.forget_summaries(owner, agent, log)
    left = [place for place in places if await bank.summary(*place) is not None]
    assert left == [place for place in places if place != places[7]]
