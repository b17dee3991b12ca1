"""A store and the laws side by side, and what both have to show after whatever was done."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from sessionful.domain.error import AgentError
from sessionful.domain.turn import Entry
from tests.contracts.clock import ManualClock
from tests.contracts.model import Laws, LeaseMark
from tests.contracts.model_sessions import State
from tests.contracts.samples import a_key
from tests.contracts.stores import Factory
from tests.contracts.writer import Writer

NAMES = ["a", "b", "c", "d", "e"]
numbers = st.integers(min_value=0, max_value=1_000)
words = st.sampled_from(["", "yes", "no \u0000", "🦊"])


def shown(entries: list[Entry]) -> list[tuple[tuple[int, int], list[str]]]:
    return [
        ((entry.position.turn, entry.position.step), [message.text for message in entry.messages]) for entry in entries
    ]


class Machine(RuleBasedStateMachine):
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

    def expect(self, told: Any, expected: str) -> None:
        """The same error; or, where the laws name none, anything that is no error."""
        if isinstance(told, str) or expected[0].isupper():
            assert told == expected

    def hand(self, lease: Any, session: Any) -> Writer:
        """A writer for a lease that the store gave, together with what the laws know it by."""
        stored = self.runner.run(self.log.turn(session, lease.turn))
        writer = Writer(self.log, lease, session, stored)
        name = lease.key.id
        self.writers.append((writer, (name, self.laws.sessions[name]["made"], lease.epoch)))
        return writer

    def writer(self, which: int) -> tuple[Writer, LeaseMark]:
        """Mostly one that holds its turn; sometimes one of the last, whether it does or not."""
        holders = [one for one in self.writers if self.laws.holds(one[1])]
        pool = holders * 3 + self.writers[-3:]
        return pool[which % len(pool)]

    @invariant()
    def both_show_the_same(self) -> None:
        missing = [name for name in NAMES if name not in self.laws.sessions]
        for name in [*self.laws.sessions, *missing[:1]]:
            seen = self.answer(self.log.watch(a_key(name)))
            refusal = self.laws.refusal(name, self.clock())
            if refusal:
                assert seen == refusal
                continue
            head, flushed = seen
            session = self.laws.sessions[name]
            assert flushed == session["told"]
            assert (head.turns, head.epoch, head.updated_at) == (session["turns"], session["epoch"], session["active"])
            assert (head.ended_at is not None, head.usage.output_tokens) == (session["ended"], session["tokens"])
            self.same_turn(head.running, session["running"])
            self.same_queue(name, head.queued, session["queue"])
            self.same_past(head, session)

    def same_past(self, head: Any, session: State) -> None:
        entries = self.runner.run(self.log.read(head, 1_000))
        assert shown(entries) == [(entry["place"], entry["said"]) for entry in session["seen"]]
        assert head.message_count == sum(len(entry["said"]) for entry in session["seen"])
        assert (head.state, head.state_at) == (session["state"], session["state_at"])
        assert head.state_moved == session["state_moved"]
        said = [(entry.state, entry.state_at) for entry in entries]
        assert said == [(entry["state"], entry["state_at"]) for entry in session["seen"]]

    def same_turn(self, running: Any, expected: State | None) -> None:
        if expected is None or running is None:
            assert running is expected is None
            return
        assert (running.number, running.attempt) == (expected["number"], expected["attempt"])
        assert (running.lease_until, running.released) == (expected["until"], expected["released"])
        assert (running.message.text, running.cancel_asked) == (expected["text"], expected["cancel"])

    def same_queue(self, name: str, queued: int, expected: list[State]) -> None:
        assert queued == len(expected)
        if expected:
            waiting = self.runner.run(self.log.queued(a_key(name)))
            kept = [(turn.number, turn.message.text, turn.cancel_asked) for turn in waiting]
            assert kept == [(turn["number"], turn["text"], turn["cancel"]) for turn in expected]

    def teardown(self) -> None:
        try:
            for name in self.laws.sessions:
                self.runner.run(self.log.delete(a_key(name)))
            assert self.runner.run(self.count()) == self.clean
        finally:
            self.runner.run(self.opening.__aexit__(None, None, None))
            self.runner.close()
