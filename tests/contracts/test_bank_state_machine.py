"""Bank and model side by side: whatever is done, in whatever order, both answer and show the same."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sessionful.domain.error import AgentError
from sessionful.domain.memory import Memory
from sessionful.domain.session import Position
from tests.contracts.bank_model import Remembered
from tests.contracts.bank_samples import (
    EAST,
    EXACTNESS,
    HERE,
    MINE,
    NORTH,
    NORTH_EAST,
    SHARED,
    a_memory,
    a_source,
    a_summary,
    everything,
)
from tests.contracts.banks import BANKS, BankFactory
from tests.contracts.clock import NOON, ManualClock

SCOPES = [MINE, HERE, SHARED]
scopes = st.sampled_from([MINE, MINE, HERE, SHARED])
texts = st.sampled_from(["rome", "oslo", "rome oslo", "bern \u0000"])
ids = st.sampled_from([f"m{number}" for number in range(6)])
logs = st.sampled_from(["a", "b", "c"])
embedded = st.sampled_from([(None, ()), ("m", EAST), ("m", NORTH_EAST), ("other", NORTH)])


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    model, vector = draw(embedded)
    sources = tuple(a_source(log, turn) for log, turn in draw(st.lists(st.tuples(logs, st.integers(1, 2)), max_size=3)))
    return a_memory(
        draw(texts),
        draw(scopes),
        id=draw(ids),
        created_at=NOON + draw(st.integers(0, 3)),
        expires_at=draw(st.sampled_from([None, None, NOON + 5, NOON + 50])),
        sources=sources,
        model=model,
        vector=vector,
    )


NAMES = ["text", "made", "ended", "by", "over", "expires", "model"]


def fields(one: Memory) -> list[Any]:
    """What the model calls by these names."""
    over = list(one.supersedes)
    return [one.text, one.created_at, one.ended_at, one.superseded_by, over, one.expires_at, one.model]


class BankAndModel(RuleBasedStateMachine):
    factory: BankFactory

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.model = Remembered()
        self.runner = asyncio.Runner()
        self.opening = self.factory(self.clock)
        self.opened = self.runner.run(self.opening.__aenter__())
        self.bank = self.opened.bank
        self.clean = self.runner.run(self.count())

    async def count(self) -> int:
        return await self.opened.raw_count()

    def answer(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the bank answers: a value, or the name of an error."""
        try:
            return self.runner.run(work)
        except AgentError as error:
            return type(error).__name__

    @rule(given=st.lists(memories(), min_size=1, max_size=3, unique_by=lambda memory: memory.id))
    def store(self, given: list[Memory]) -> None:
        kept = self.answer(self.bank.store(given))
        assert [one.id for one in kept] == [self.model.store(one, self.clock()) for one in given]

    @rule(id=ids, by=memories())
    def supersede(self, id: str, by: Memory) -> None:
        if by.id == id:
            return
        kept = self.answer(self.bank.supersede(by.scope, id, by))
        expected = self.model.supersede(by.scope, id, by, self.clock())
        assert (kept if isinstance(kept, str) else kept.id) == expected

    @rule(scope=scopes, id=ids)
    def delete(self, scope: Any, id: str) -> None:
        told = self.answer(self.bank.delete(scope, id))
        assert (told or "") == self.model.delete(scope, id, self.clock())

    @rule(scope=scopes, log=logs)
    def forget(self, scope: Any, log: str) -> None:
        assert self.answer(self.bank.forget(scope, log)) is None
        self.model.forget(scope, log)

    @rule(scope=scopes)
    def erase(self, scope: Any) -> None:
        assert self.answer(self.bank.erase(scope)) is None
        self.model.erase(scope)

    @rule(scope=scopes, these=st.lists(st.tuples(ids, st.sampled_from([NORTH, EAST])), max_size=3, unique_by=str))
    def revector(self, scope: Any, these: list[tuple[str, tuple[float, ...]]]) -> None:
        last = dict(these)
        vectors = [(id, "m", vector) for id, vector in last.items()]
        assert self.answer(self.bank.revector(scope, vectors)) is None
        for id, model, vector in vectors:
            self.model.revector(scope, id, model, vector, self.clock())

    @rule(ms=st.sampled_from([1, 4, 50]))
    def wait(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(log=logs, turn=st.integers(1, 3), text=texts)
    def keep_summary(self, log: str, turn: int, text: str) -> None:
        self.answer(self.bank.keep_summary("ada", "guide", a_summary(text, turn, log=log)))
        self.model.summaries.setdefault(("ada", "guide", log), {}).setdefault((turn, 1), text)

    @rule(log=logs)
    def forget_summaries(self, log: str) -> None:
        self.answer(self.bank.forget_summaries("ada", "guide", log))
        self.model.summaries.pop(("ada", "guide", log), None)

    @rule(scope=scopes, words=st.sets(st.sampled_from(["rome", "oslo", "bern"])))
    def search(self, scope: Any, words: set[str]) -> None:
        found = self.answer(self.bank.search(scope, EAST, "m", sorted(words), 100))
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        expected = self.model.near(scope, EAST, "m", words, self.clock())
        assert {one.memory.id: one.score for one in found} == pytest.approx(expected, abs=EXACTNESS)

    @invariant()
    def both_show_the_same(self) -> None:
        now = self.clock()
        for scope in SCOPES:
            shown = self.runner.run(everything(self.bank, scope, limit=3))
            assert [one.created_at for one in shown] == sorted((one.created_at for one in shown), reverse=True)
            expected = self.model.there(scope, now)
            assert {one.id: fields(one) for one in shown} == {
                one["id"]: [one[name] for name in NAMES] for one in expected
            }
            assert {one.id: list(one.sources) for one in shown} == {one["id"]: one["sources"] for one in expected}

    @invariant()
    def both_have_the_same_summaries(self) -> None:
        for log in "abc":
            said = self.model.summaries.get(("ada", "guide", log), {})
            for upto in (None, Position(2, 1)):
                kept = self.runner.run(self.bank.summary("ada", "guide", log, upto))
                latest = max((place for place in said if upto is None or place <= upto), default=None)
                assert (kept and kept.text) == (latest and said[latest])

    def teardown(self) -> None:
        try:
            for scope in SCOPES:
                self.runner.run(self.bank.erase(scope))
            for log in "abc":
                self.runner.run(self.bank.forget_summaries("ada", "guide", log))
            assert self.runner.run(self.count()) == self.clean
        finally:
            self.runner.run(self.opening.__aexit__(None, None, None))
            self.runner.close()


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_shows_what_it_should_whatever_is_done_to_it(name: str) -> None:
    slow = name.startswith("dynamodb")
    bounded = settings(
        max_examples=8 if slow else 40,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate] if slow else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    class BankHere(BankAndModel):
        factory = staticmethod(BANKS[name])

    run_state_machine_as_test(BankHere, settings=bounded)
