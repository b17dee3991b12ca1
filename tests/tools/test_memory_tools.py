"""The tools `remember`, `recall` and `forget`."""

import re
from typing import Any

import pytest

from sessionful.core.memory.notebook import Notebook
from sessionful.domain.agent import LongTermMemory
from sessionful.domain.error import ConfigError, ToolError
from sessionful.domain.memory import Scope, Source
from sessionful.domain.session import Position
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.ports import Tool, ToolContext
from sessionful.stores.in_memory_bank import InMemoryBank
from sessionful.tools.catalog import MEMORY_NAMES, build, check

ROME, BERLIN = "Ada lives in Rome", "Ada lives in Berlin"


class Clock:
    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


def tools(bank: InMemoryBank, **longterm: Any) -> dict[str, Tool]:
    book = Notebook(bank, ScriptedEmbedder(dimensions=256), LongTermMemory(**longterm), Clock())
    return dict(zip(MEMORY_NAMES, build(MEMORY_NAMES, notebook=book), strict=True))


def a_call(session_id: str = "s", owner: str = "ada", agent: str = "guide") -> ToolContext:
    source = Source(owner=owner, session_id=session_id, log=f"log of {session_id}", at=Position(3, 2))
    return ToolContext(session_id, "turn_3_x", "c1", agent, owner, None, 1e9, session_agent=agent, source=source)


def id_in(answer: str) -> str:
    found = re.search(r"mem_\w+", answer)
    assert found is not None, answer
    return found[0]


async def test_what_is_remembered_is_recalled_with_its_source_and_forgotten() -> None:
    bank = InMemoryBank()
    made, here = tools(bank), a_call()
    memory_id = id_in(await made["remember"].call({"fact": ROME}, here))
    (kept,) = (await bank.page(Scope("guide", "ada", "s"), 9)).memories
    assert (kept.id, kept.text, kept.sources) == (memory_id, ROME, (here.source,))
    assert await made["recall"].call({"query": "Where does Ada live?"}, here) == f"{memory_id} - {ROME} (2027-01-15)"
    assert memory_id in await made["forget"].call({"memory_id": memory_id}, here)
    assert await made["recall"].call({"query": "Where does Ada live?"}, here) == "Nothing is remembered of that."
    assert bank.raw_count() == 0


async def test_remembering_twice_is_remembering_once() -> None:
    bank = InMemoryBank()
    made = tools(bank)
    first = await made["remember"].call({"fact": ROME}, a_call())
    assert await made["remember"].call({"fact": ROME}, a_call()) == first
    assert bank.raw_count() == 1


async def test_a_new_fact_takes_the_place_of_the_one_it_names() -> None:
    bank = InMemoryBank()
    made, here = tools(bank), a_call()
    old = id_in(await made["remember"].call({"fact": ROME}, here))
    new = id_in(await made["remember"].call({"fact": BERLIN, "replaces": old}, here))
    assert id_in(await made["remember"].call({"fact": BERLIN, "replaces": old}, here)) == new
    scope = Scope("guide", "ada", "s")
    assert (await bank.get(scope, old)).superseded_by == new
    assert [memory.text for memory in (await bank.page(scope, 9)).memories] == [BERLIN]


@pytest.mark.parametrize("scope", ["session", "conversational"])
@pytest.mark.parametrize(
    "other", [a_call(session_id="t", owner="bob"), a_call(session_id="s", owner="bob"), a_call("s", "ada", "clerk")]
)
async def test_no_tool_reaches_another_owner_or_agent(scope: str, other: ToolContext) -> None:
    made = tools(InMemoryBank(), storage_scope=scope)
    memory_id = id_in(await made["remember"].call({"fact": ROME}, a_call()))
    assert ROME not in await made["recall"].call({"query": ROME}, other)
    for name, arguments in (("forget", {"memory_id": memory_id}), ("remember", {"fact": "x y", "replaces": memory_id})):
        with pytest.raises(ToolError, match="there is no memory"):
            await made[name].call(arguments, other)
    assert ROME in await made["recall"].call({"query": ROME}, a_call())


@pytest.mark.parametrize(("scope", "seen"), [("session", False), ("conversational", True), ("all", True)])
async def test_another_session_sees_it_where_the_scope_says_so(scope: str, seen: bool) -> None:
    made = tools(InMemoryBank(), storage_scope=scope)
    await made["remember"].call({"fact": ROME}, a_call())
    assert (ROME in await made["recall"].call({"query": ROME}, a_call("t"))) is seen


async def test_what_only_others_said_is_read_in_the_scope_of_all_and_not_erased() -> None:
    made = tools(InMemoryBank(), storage_scope="all")
    memory_id = id_in(await made["remember"].call({"fact": ROME}, a_call()))
    bob = a_call(owner="bob")
    assert ROME in await made["recall"].call({"query": ROME}, bob)
    with pytest.raises(ToolError, match="only others"):
        await made["forget"].call({"memory_id": memory_id}, bob)


@pytest.mark.parametrize(
    ("text", "why"), [("", "1 to"), ("x" * 2000, "1 to"), ("Ada's password is hunter22", "secret")]
)
async def test_secrets_and_what_is_no_fact_are_refused(text: str, why: str) -> None:
    bank = InMemoryBank()
    with pytest.raises(ToolError, match=why):
        await tools(bank)["remember"].call({"fact": text}, a_call())
    assert bank.raw_count() == 0


async def test_where_only_summaries_are_kept_no_fact_is() -> None:
    with pytest.raises(ToolError, match="summaries"):
        await tools(InMemoryBank(), storage_scope="summaries_only")["remember"].call({"fact": ROME}, a_call())


@pytest.mark.parametrize("name", MEMORY_NAMES)
def test_they_need_long_term_memory(name: str) -> None:
    with pytest.raises(ConfigError, match=r"memory\.longterm"):
        build([name])
    with pytest.raises(ConfigError, match=r"memory\.longterm"):
        check([name], remembers=False)
    check([name], remembers=True)


def test_names_can_be_checked_without_making_anything() -> None:
    check(["search", "agent_call"], remembers=False)
    with pytest.raises(ConfigError, match="recall"):
        check(["recal"], remembers=True)
