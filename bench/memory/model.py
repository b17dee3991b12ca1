"""The model of the benchmark: it finds exactly what the talks say is a fact, and whatever is junk beside it.

So what is measured is everything but the model: what is shown to it, filtered, stored, superseded, found again.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping

from bench.memory.talks import Fact, Talk, Turn
from bench.memory.topics import ANSWERS
from sessionful.core.memory.prompts import FACTS
from sessionful.core.memory.tokens import estimated, estimated_tokens
from sessionful.domain.usage import Usage
from sessionful.ports import Finish, ModelRequest, Piece, TextPiece

_SUMMARISER = "You keep the summary"
_TURN = re.compile(r"\[turn (\d+)]")
_KNOWN = re.compile(r"(\d+)\. (.*)")


class ExactModel:
    """`supersedes`: whether it says what a new fact takes the place of.

    `prompt` is the last one of a turn. `spent` counts tokens by what they were for: turns or the rest. `seen` is
    every text that it was given since it was last cleared, `junk` what it took for facts."""

    name = "exact"

    def __init__(self, supersedes: bool = True) -> None:
        self.supersedes = supersedes
        self.turns: dict[str, Turn] = {}
        self.facts: dict[str, Fact] = {}
        self.prompt: ModelRequest = ModelRequest([])
        self.spent = {"turns": 0, "rest": 0}
        self.seen: list[str] = []
        self.junk: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._answered = 0

    def learn(self, talk: Talk) -> None:
        for turn in (turn for session in talk.turns for turn in session):
            self.turns[turn.said] = turn
            if turn.fact is not None:
                self.facts[turn.fact.text] = turn.fact

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        system = request.system or ""
        text = "\n".join(message.text for message in request.messages)
        self.seen.append(text)
        if system.startswith(FACTS):
            said = json.dumps({"facts": self._found(text)})
        elif system.startswith(_SUMMARISER):
            said = self._summed_up(text)
        else:
            self.prompt = request
            said = ANSWERS[self._answered % len(ANSWERS)]
            self._answered += 1
        self.spent["turns" if self.prompt is request else "rest"] += self.tokens_of(request)
        yield TextPiece(said)
        yield Finish("end_turn", Usage())

    def tokens_of(self, request: ModelRequest) -> int:
        """By the project's own count."""
        total = estimated(request.system or "")
        for message in request.messages:
            if message.text not in self._sizes:
                self._sizes[message.text] = estimated_tokens(message)
            total += self._sizes[message.text]
        return total

    def _found(self, text: str) -> list[Mapping[str, object]]:
        """A fact replaces the known one that has its topic and another value, if that was shown."""
        known_text, _, transcript = text.partition("\nTranscript:\n")
        known = [(int(number), self.facts.get(fact)) for number, fact in _KNOWN.findall(known_text)]
        found: list[Mapping[str, object]] = []
        turn = 0
        for line in transcript.splitlines():
            if marker := _TURN.match(line):
                turn = int(marker[1])
            said = self.turns.get(line.removeprefix("user: "))
            if said is None:
                continue
            if said.junk is not None:
                self.junk.add(said.junk)
                found.append({"text": said.junk, "turn": turn})
            if (fact := said.fact) is not None:
                old = [n for n, one in known if one and fact.topic and one.topic == fact.topic and one != fact]
                found.append({"text": fact.text, "turn": turn, "replaces": old if self.supersedes else []})
        return found

    def _summed_up(self, text: str) -> str:
        """Every fact of the former summary and of the messages, the newest of its topic."""
        holding: dict[object, str] = {}
        for line in re.split(r"\n|(?<=\.) (?=The )", text):
            line = line.removeprefix("User: ").strip()
            turn = self.turns.get(line)
            fact = turn.fact if turn is not None else self.facts.get(line)
            if fact is not None:
                holding[fact.topic or fact.value] = fact.text
        return " ".join(holding.values()) or "They talked."
