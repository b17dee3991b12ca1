"""What a long session costs, turn by turn, and what of its beginning is still in the prompt at its end."""

from collections.abc import Sequence
from random import Random
from statistics import mean
from typing import NamedTuple

from bench.memory.talks import talk
from bench.memory.values import Values
from bench.memory.world import Memory, World
from sessionful.domain.agent import LongTermMemory, WorkingMemory
from sessionful.ports import Embedder

STRATEGIES = {
    "full": WorkingMemory(strategy="full"),
    "buffer_window": WorkingMemory(strategy="buffer_window"),
    "summary_buffer": WorkingMemory(strategy="summary_buffer"),
}
ROWS = (
    ("full", 0),
    ("full", 1),
    ("buffer_window", 0),
    ("buffer_window", 1),
    ("buffer_window", 10),
    ("summary_buffer", 0),
    ("summary_buffer", 1),
    ("summary_buffer", 10),
)
"""A strategy, and after how many turns one remembers: 0 for never."""

TURNS = (10, 100, 1000)
_AROUND = 10


class Cost(NamedTuple):
    """`prompts`: tokens of a turn's prompt at each of the turns asked for, the mean of it and the nine before. `spent`
    and `beside`: tokens a turn over the whole session, of its prompts and of what else a model was asked. `in_view` and
    `old_in_view`: shares of the facts, and of those that no longer hold, that the prompt has when one asks for them."""

    prompts: list[float]
    spent: float
    beside: float
    in_view: float
    old_in_view: float


async def measure(
    strategy: str, batch: int, embedder: Embedder | None, seed: int, turns: Sequence[int] = TURNS
) -> Cost:
    remembers = LongTermMemory(storage_scope="conversational", batch_size=batch) if batch else None
    world = World({"home": Memory(STRATEGIES[strategy], remembers)}, embedder)
    try:
        return await _session(world, seed, turns)
    finally:
        await world.service.close()


async def _session(world: World, seed: int, turns: Sequence[int]) -> Cost:
    random = Random(seed)
    whole = talk(random, Values(random), 1, max(turns))
    model = world.models["home"]
    model.learn(whole)
    sizes: list[int] = []
    for turn in whole.turns[0][: max(turns)]:
        await world.say("home", "me", "long", turn.said)
        sizes.append(model.tokens_of(model.prompt))
    spent, beside = model.spent["turns"] / len(sizes), model.spent["rest"] / len(sizes)
    there = old_there = 0
    for topic, fact in whole.now.items():
        prompt = await world.say("home", "me", "long", topic.asked)
        old = whole.before.get(topic)
        there += fact.value in prompt
        old_there += old is not None and old.value in prompt
    around = [mean(sizes[max(turn - _AROUND, 0) : turn]) for turn in turns]
    return Cost(around, spent, beside, there / len(whole.now), old_there / len(whole.before))
