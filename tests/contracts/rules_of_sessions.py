"""What can be done to sessions: make, change, put in, set back, end, delete, fork, read."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sessionful.domain.lineage import cut
from sessionful.domain.session import Position, SessionChange
from tests.contracts.clock import NOON
from tests.contracts.machine import NAMES, Machine, numbers, shown, words
from tests.contracts.samples import a_key, a_session, an_entry

positions = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 3)).map(lambda place: Position(*place))
states = st.sampled_from([{}, {"n": 1}, {"n": [2, None]}])


class SessionRules(Machine):
    @rule(name=st.sampled_from(NAMES), timeout=st.sampled_from([None, 100]))
    def make(self, name: str, timeout: int | None) -> None:
        session = a_session(a_key(name), at=self.clock(), timeout=timeout)
        ms = None if timeout is None else timeout * 1000
        self.expect(self.answer(self.log.create(session)), self.laws.create(name, ms, self.clock()))

    @rule(which=numbers, text=words)
    def insert(self, which: int, text: str) -> None:
        name = self.name(which)
        if name not in self.laws.sessions or not self.laws.sessions[name]["ended"]:
            told = self.answer(self.log.insert(a_key(name), an_entry(text)))
            self.expect(told, self.laws.insert(name, text, self.clock()))

    @rule(which=numbers, state=states)
    def set_state(self, which: int, state: dict[str, Any]) -> None:
        name = self.name(which)
        told = self.answer(self.log.change(a_key(name), SessionChange(state=state)))
        self.expect(told, self.laws.set_state(name, state, self.clock()))

    @rule(which=numbers, verb=st.sampled_from(["delete", "delete", "end"]))
    def finish(self, which: int, verb: str) -> None:
        name = self.name(which)
        if verb == "delete":
            self.expect(self.answer(self.log.delete(a_key(name))), self.laws.delete(name))
        else:
            told = self.answer(self.log.change(a_key(name), SessionChange(ended_at=NOON)))
            self.expect(told, self.laws.end(name, self.clock()))

    @rule(which=numbers, place=numbers | st.none(), state=st.none() | states)
    def rebase(self, which: int, place: int | None, state: dict[str, Any] | None) -> None:
        """To a place that is visible, or to none at all."""
        name = self.name(which)
        upto = self.visible_place(name, place)
        head = self.answer(self.log.get(a_key(name)))
        past = () if upto is None or isinstance(head, str) else cut(head, upto)
        seen = self.laws.sessions[name]["seen"] if upto is not None else []
        count = sum(len(entry["said"]) for entry in seen if entry["place"] <= upto)
        told = self.answer(self.log.rebase(a_key(name), past, count, state))
        self.expect(told, self.laws.rebase(name, upto, state, self.clock()))

    @rule(which=numbers, child=st.sampled_from(NAMES), place=numbers | st.none(), nowhere=st.integers(0, 5))
    def fork(self, which: int, child: str, place: int | None, nowhere: int) -> None:
        name = self.name(which)
        at = self.visible_place(name, place)
        if nowhere == 0 and at is not None:
            at = Position(at.turn, at.step + 1)
        told = self.answer(self.log.fork(a_key(name), at, a_session(a_key(child), at=self.clock())))
        self.expect(told, self.laws.fork(name, at, child, self.clock()))

    def visible_place(self, name: str, place: int | None) -> Position | None:
        seen = self.laws.sessions[name]["seen"] if name in self.laws.sessions else []
        return Position(*seen[place % len(seen)]["place"]) if seen and place is not None else None

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
