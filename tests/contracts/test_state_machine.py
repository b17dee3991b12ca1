"""Store and laws side by side: whatever is done, in whatever order, both answer and show the same."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sessionful.domain.error import AgentError
from sessionful.domain.identity import turn_number
from sessionful.domain.session import Position, SessionChange
from sessionful.domain.turn import Attached, Entry
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.model import Laws, LeaseMark
from tests.contracts.samples import LEASE_MS, STEP_USAGE, WINDOW, a_key, a_session, a_turn, an_entry
from tests.contracts.stores import FACTORIES, Factory
from tests.contracts.writer import Writer

TOKENS = STEP_USAGE.output_tokens
NAMES = ["a", "b", "c", "d", "e"]
numbers = st.integers(min_value=0, max_value=1_000)
words = st.sampled_from(["", "yes", "no \u0000", "🦊"])
positions = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 3)).map(lambda place: Position(*place))


def shown(entries: list[Entry]) -> list[tuple[tuple[int, int], list[str]]]:
    return [
        ((entry.position.turn, entry.position.step), [message.text for message in entry.messages]) for entry in entries
    ]


class StoreAndLaws(RuleBasedStateMachine):
    factory: Factory

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.laws = Laws()
        self.writers: list[tuple[Writer, LeaseMark]] = []
        self.runner = asyncio.Runner()
        self.opening = self.factory(self.clock)
        self.opened = self.runner.run(self.opening.__aenter__())
        self.log = self.opened.log
        self.clean = self.runner.run(self.count())

    @initialize()
    def begin_with_something(self) -> None:
        for name, timeout in (("a", None), ("b", 100)):
            self.make(name, timeout)
            self.take_turn(NAMES.index(name), ["one", "two"])

    def name(self, which: int) -> str:
        """Mostly one that there is; sometimes the next one that there is not."""
        there = [name for name in NAMES if name in self.laws.sessions]
        missing = [name for name in NAMES if name not in there][:1]
        return (there * 3 + missing)[which % (len(there) * 3 + len(missing))]

    async def count(self) -> int:
        return await self.opened.raw_count()

    def answer(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the store answers: a value, or the name of an error."""
        try:
            return self.runner.run(work)
        except AgentError as error:
            return type(error).__name__

    def hand(self, lease: Any, session: Any) -> Writer:
        """A writer for a lease that the store gave, together with what the laws know it by."""
        stored = self.runner.run(self.log.turn(session, lease.turn))
        writer = Writer(self.log, lease, session, stored)
        name = lease.key.id
        self.writers.append((writer, (name, self.laws.sessions[name]["made"], lease.epoch)))
        return writer

    def expect(self, told: Any, expected: str) -> None:
        """The same error; or, where the laws name none, anything that is no error."""
        if isinstance(told, str) or expected[0].isupper():
            assert told == expected

    @rule(name=st.sampled_from(NAMES), timeout=st.sampled_from([None, 100]))
    def make(self, name: str, timeout: int | None) -> None:
        session = a_session(a_key(name), at=self.clock(), timeout=timeout)
        ms = None if timeout is None else timeout * 1000
        self.expect(self.answer(self.log.create(session)), self.laws.create(name, ms, self.clock()))

    @rule(which=numbers, text=words, key=st.sampled_from([None, None, "k"]), hash=st.sampled_from("xy"))
    def begin(self, which: int, text: str, key: str | None, hash: str) -> None:
        name = self.name(which)
        turn = {"text": text, "key": key, "hash": hash}
        told = self.answer(self.log.begin(a_key(name), a_turn(text, idempotency_key=key, request_hash=hash), WINDOW))
        expected = self.laws.begin(name, turn, self.clock(), LEASE_MS)
        if isinstance(expected, str):
            assert told == expected
        elif expected[0] == "attached":
            assert isinstance(told, Attached)
            assert turn_number(told.turn_id) == expected[1]
        else:
            assert (told.lease.turn, told.lease.epoch) == expected[1]
            assert shown(told.past) == [(e["place"], e["said"]) for e in self.laws.sessions[name]["seen"]]
            self.hand(told.lease, told.session)

    @rule(which=numbers, replies=st.lists(words, min_size=1, max_size=3))
    def take_turn(self, which: int, replies: list[str]) -> None:
        had = len(self.writers)
        self.begin(which, "go on", None, "x")
        if len(self.writers) > had:
            for left, reply in reversed(list(enumerate(replies))):
                self.write(0, reply, left == 0)

    @precondition(lambda self: self.writers)
    @rule(back=st.integers(0, 3), text=words, last=st.booleans())
    def write(self, back: int, text: str, last: bool) -> None:
        writer, mark = self.writers[-1 - back % len(self.writers)]
        until = None if last else self.clock() + LEASE_MS
        told = self.answer(writer.settle(text) if until is None else writer.append(text, lease_until=until))
        self.expect(told, self.laws.write(mark, text, TOKENS, until))

    @precondition(lambda self: self.writers)
    @rule(back=st.integers(0, 3))
    def renew(self, back: int) -> None:
        writer, mark = self.writers[-1 - back % len(self.writers)]
        until = self.clock() + LEASE_MS
        assert self.answer(self.log.renew(writer.lease, until)) == self.laws.renew(mark, until)

    @rule(which=numbers, wait=st.sampled_from([0, 1, LEASE_MS]))
    def take_over(self, which: int, wait: int) -> None:
        self.clock.advance(wait)
        name, until = self.name(which), self.clock() + LEASE_MS
        told = self.answer(self.log.take_over(a_key(name), until))
        expected = self.laws.take_over(name, self.clock(), until)
        if expected == "taken":
            self.hand(*told)
        else:
            assert told == expected

    @rule(ms=st.sampled_from([1, 30_000, LEASE_MS]))
    def advance(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(which=numbers, number=st.integers(1, 5))
    def ask_cancel(self, which: int, number: int) -> None:
        name = self.name(which)
        if name in self.laws.sessions:
            self.runner.run(self.log.ask_cancel(a_key(name), number))
            self.laws.cancel(name, number)

    @rule(which=numbers, text=words)
    def insert(self, which: int, text: str) -> None:
        name = self.name(which)
        if name not in self.laws.sessions or not self.laws.sessions[name]["ended"]:
            told = self.answer(self.log.insert(a_key(name), an_entry(text)))
            self.expect(told, self.laws.insert(name, text, self.clock()))

    @rule(which=numbers, verb=st.sampled_from(["clear", "clear", "delete", "delete", "end"]))
    def finish(self, which: int, verb: str) -> None:
        name = self.name(which)
        if verb == "clear":
            self.expect(self.answer(self.log.rebase(a_key(name), (), 0)), self.laws.clear(name, self.clock()))
        elif verb == "delete":
            self.expect(self.answer(self.log.delete(a_key(name))), self.laws.delete(name))
        else:
            told = self.answer(self.log.change(a_key(name), SessionChange(ended_at=NOON)))
            self.expect(told, self.laws.end(name, self.clock()))

    @rule(which=numbers, child=st.sampled_from(NAMES), place=numbers | st.none(), nowhere=st.integers(0, 5))
    def fork(self, which: int, child: str, place: int | None, nowhere: int) -> None:
        name = self.name(which)
        seen = self.laws.sessions[name]["seen"] if name in self.laws.sessions else []
        at = Position(*seen[place % len(seen)]["place"]) if seen and place is not None else None
        if nowhere == 0 and at is not None:
            at = Position(at.turn, at.step + 1)
        told = self.answer(self.log.fork(a_key(name), at, a_session(a_key(child), at=self.clock())))
        self.expect(told, self.laws.fork(name, at, child, self.clock()))

    @rule(which=numbers, limit=st.integers(1, 4), after=positions, before=positions, newest_first=st.booleans())
    def read(self, which: int, limit: int, after: Position | None, before: Position | None, newest_first: bool) -> None:
        name = self.name(which)
        if self.laws.refusal(name, self.clock()):
            return
        head = self.runner.run(self.log.get(a_key(name)))
        told = self.runner.run(self.log.read(head, limit, after, before, newest_first))
        seen = [(entry["place"], entry["said"]) for entry in self.laws.sessions[name]["seen"]]
        between = [one for one in seen if (not after or one[0] > after) and (not before or one[0] < before)]
        assert shown(told) == (between[::-1] if newest_first else between)[:limit]

    @invariant()
    def both_show_the_same(self) -> None:
        for name in NAMES:
            head = self.answer(self.log.get(a_key(name)))
            refusal = self.laws.refusal(name, self.clock())
            if refusal:
                assert head == refusal
                continue
            session = self.laws.sessions[name]
            assert (head.turns, head.epoch, head.updated_at) == (session["turns"], session["epoch"], session["active"])
            assert (head.ended_at is not None, head.usage.output_tokens) == (session["ended"], session["tokens"])
            self.same_turn(head.running, session["running"])
            seen = [(entry["place"], entry["said"]) for entry in session["seen"]]
            assert shown(self.runner.run(self.log.read(head, 1_000))) == seen
            assert head.message_count == sum(len(said) for _, said in seen)

    def same_turn(self, running: Any, expected: dict[str, Any] | None) -> None:
        if expected is None or running is None:
            assert running is expected is None
            return
        assert (running.number, running.attempt) == (expected["number"], expected["attempt"])
        assert (running.lease_until, running.cancel_asked) == (expected["until"], expected["cancel"])
        assert running.message.text == expected["text"]

    def teardown(self) -> None:
        try:
            for name in self.laws.sessions:
                self.runner.run(self.log.delete(a_key(name)))
            assert self.runner.run(self.count()) == self.clean
        finally:
            self.runner.run(self.opening.__aexit__(None, None, None))
            self.runner.close()


@pytest.mark.parametrize("name", FACTORIES)
def test_a_store_keeps_the_laws_whatever_is_done_to_it(name: str) -> None:
    slow = name.startswith("dynamodb")
    bounded = settings(
        max_examples=8 if slow else 30,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate] if slow else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    class StoreHere(StoreAndLaws):
        factory = staticmethod(FACTORIES[name])

    run_state_machine_as_test(StoreHere, settings=bounded)
