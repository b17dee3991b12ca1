"""What can be done to turns: begin, wait, tell, write, give away, take over, cancel."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from sessionful.domain.identity import turn_number
from sessionful.domain.turn import Admitted, Attached, Group, Queued, Taken
from tests.contracts.machine import Machine, numbers, shown, words
from tests.contracts.model import LeaseMark
from tests.contracts.model_sessions import State
from tests.contracts.samples import LEASE_MS, STEP_USAGE, WINDOW, a_key, a_turn
from tests.contracts.writer import Writer

TOKENS = STEP_USAGE.output_tokens


class TurnRules(Machine):
    @rule(
        which=numbers,
        text=words,
        key=st.sampled_from([None, None, "k"]),
        hash=st.sampled_from("xy"),
        wait=st.booleans(),
    )
    def begin(self, which: int, text: str, key: str | None, hash: str, wait: bool) -> None:
        name = self.name(which)
        turn = a_turn(text, idempotency_key=key, request_hash=hash, wait=wait)
        told = self.answer(self.log.begin(a_key(name), turn, WINDOW))
        asked = {"text": text, "key": key, "hash": hash, "wait": wait}
        expected = self.laws.begin(name, asked, self.clock(), LEASE_MS)
        if isinstance(expected, str):
            assert told == expected
        elif expected[0] == "admitted":
            self.admitted(name, told, expected[1])
        else:
            assert isinstance(told, Attached if expected[0] == "attached" else Queued)
            assert turn_number(told.turn_id) == expected[1]

    @rule(which=numbers)
    def begin_next(self, which: int) -> None:
        self.next_begun(self.name(which))

    def next_begun(self, name: str) -> None:
        told = self.answer(self.log.begin_next(a_key(name), LEASE_MS, WINDOW))
        expected = self.laws.begin_next(name, self.clock(), LEASE_MS)
        if isinstance(expected, tuple):
            self.admitted(name, told, expected)
        else:
            assert told == expected

    def admitted(self, name: str, told: Any, expected: tuple[int, int]) -> None:
        assert isinstance(told, Admitted)
        assert (told.lease.turn, told.lease.epoch) == expected
        assert shown(told.past) == [(e["place"], e["said"]) for e in self.laws.sessions[name]["seen"]]
        self.hand(told.lease, told.session)

    @rule(which=numbers, replies=st.lists(words, min_size=1, max_size=3))
    def take_turn(self, which: int, replies: list[str]) -> None:
        had = len(self.writers)
        self.begin(which, "go on", None, "x", False)
        if len(self.writers) > had:
            for left, reply in reversed(list(enumerate(replies))):
                self.flushed(self.writers[-1], reply, False)
                self.written(self.writers[-1], reply, left == 0)

    @rule(which=numbers, texts=st.lists(words, min_size=2, max_size=3))
    def stand_in_line(self, which: int, texts: list[str]) -> None:
        for text in texts:
            self.begin(which, text, None, "x", True)

    @precondition(lambda self: self.writers)
    @rule(which=numbers)
    def end_a_turn_and_begin_the_next(self, which: int) -> None:
        """Where there is a next one, if anywhere."""
        crowded = [one for one in self.writers if self.laws.holds(one[1]) and self.waiting(one[1][0])]
        writer = crowded[which % len(crowded)] if crowded else self.writer(which)
        self.written(writer, "done", True)
        self.next_begun(writer[1][0])

    @precondition(lambda self: self.writers)
    @rule(which=numbers, text=words, last=st.booleans())
    def write(self, which: int, text: str, last: bool) -> None:
        self.written(self.writer(which), text, last)

    def written(self, by: tuple[Writer, LeaseMark], text: str, last: bool) -> None:
        writer, mark = by
        until = None if last else self.clock() + LEASE_MS
        told = self.answer(writer.settle(text) if until is None else writer.append(text, lease_until=until))
        self.expect(told, self.laws.write(mark, text, TOKENS, until))

    @precondition(lambda self: self.writers)
    @rule(which=numbers, text=words | st.just("long " * 300), again=st.booleans())
    def tell(self, which: int, text: str, again: bool) -> None:
        self.flushed(self.writer(which), text, again)

    def flushed(self, by: tuple[Writer, LeaseMark], text: str, again: bool) -> None:
        writer, mark = by
        number = max(writer.told, 1) if again else writer.told + 1
        writer.told = number
        group, until = f'{{"{text}"}}', self.clock() + LEASE_MS
        told = self.answer(self.log.flush(writer.lease, Group(number, group), until))
        assert told == self.laws.flush(mark, number, group, until)

    @precondition(lambda self: self.writers)
    @rule(which=numbers)
    def prolong(self, which: int) -> None:
        writer, mark = self.writer(which)
        until = self.clock() + LEASE_MS
        assert self.answer(self.log.flush(writer.lease, None, until)) == self.laws.flush(mark, 0, None, until)

    @precondition(lambda self: self.writers)
    @rule(which=numbers, take=st.booleans())
    def release(self, which: int, take: bool) -> None:
        writer, mark = self.writer(which)
        assert self.answer(self.log.release(writer.lease)) == self.laws.release(mark)
        if take:
            self.taken_over(mark[0])

    @rule(which=numbers, wait=st.sampled_from([0, 1, LEASE_MS]))
    def take_over(self, which: int, wait: int) -> None:
        self.clock.advance(wait)
        self.taken_over(self.name(which))

    def taken_over(self, name: str) -> None:
        until = self.clock() + LEASE_MS
        told = self.answer(self.log.take_over(a_key(name), until))
        expected = self.laws.take_over(name, self.clock(), until)
        if expected == "taken":
            assert isinstance(told, Taken)
            assert told.flushed == self.laws.sessions[name]["told"]
            self.hand(told.lease, told.session)
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

    @rule(which=numbers, back=st.integers(0, 2))
    def withdraw(self, which: int, back: int) -> None:
        name = self.name(which)
        if waiting := self.waiting(name):
            number = waiting[back % len(waiting)]["number"]
            self.runner.run(self.log.ask_cancel(a_key(name), number))
            self.laws.cancel(name, number)

    def waiting(self, name: str) -> list[State]:
        return self.laws.sessions[name]["queue"] if name in self.laws.sessions else []
