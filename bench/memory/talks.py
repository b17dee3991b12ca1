"""Conversations by a seed: what is said in which session, and what should be known afterwards."""

from random import Random
from typing import NamedTuple

from bench.memory.topics import ASIDES, CHATTER, EMPTY, TOPICS, Topic
from bench.memory.values import GIVEN, Values


class Fact(NamedTuple):
    """`topic` is None for an aside."""

    said: str
    text: str
    value: str
    topic: Topic | None


class Turn(NamedTuple):
    """`junk`: what a model that keeps too much would write down of it."""

    said: str
    fact: Fact | None = None
    junk: str | None = None


class Talk(NamedTuple):
    """`turns` by session. `now`: what holds in the end. `before`: what held once, by its topic."""

    turns: list[list[Turn]]
    now: dict[Topic, Fact]
    before: dict[Topic, Fact]


def talk(random: Random, values: Values, sessions: int, turns: int, asides: int = 16) -> Talk:
    """So many sessions with so many turns each, at least. The facts come in the first half of the sessions, and what
    changes half of them in the second; a talk of one session has them in its first and second quarter. The rest is
    small talk, a third of it such that a model may take it for a fact."""
    topics = list(TOPICS)
    random.shuffle(topics)
    first = {topic: _fact(topic, topic.told, values) for topic in topics}
    changed = {topic: _fact(topic, topic.changed, values) for topic in topics[: len(topics) // 2]}
    said = [*first.values(), *(_aside(ASIDES[number % len(ASIDES)], values) for number in range(asides))]
    random.shuffle(said)
    spread: list[list[Turn]] = [[] for _ in range(max(sessions, 4))]
    half = len(spread) // 2 if sessions > 1 else 1
    for number, fact in enumerate(said):
        spread[number % half].append(Turn(fact.said, fact))
    for number, fact in enumerate(changed.values()):
        spread[half + number % (half if sessions > 1 else 1)].append(Turn(fact.said, fact))
    for each in spread:
        each += [_idle(random, number) for number in range(turns * sessions // len(spread) - len(each))]
        random.shuffle(each)
    whole = spread if sessions > 1 else [[turn for each in spread for turn in each]]
    return Talk(whole, {**first, **changed}, {topic: first[topic] for topic in changed})


def _fact(topic: Topic, said: str, values: Values) -> Fact:
    value = values.new(topic.kind)
    return Fact(said.format(value), topic.fact.format(value), value, topic)


def _aside(aside: tuple[str, str], values: Values) -> Fact:
    said, text = aside
    value = values.new("person")
    return Fact(said.format(value), text.format(value), value, None)


def _idle(random: Random, number: int) -> Turn:
    somewhere = f"{random.choice(GIVEN)}ville"
    if number % 3:
        return Turn(random.choice(CHATTER).format(somewhere))
    said, junk = random.choice(EMPTY)
    return Turn(said.format(somewhere), junk=junk.format(somewhere))
