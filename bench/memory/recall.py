"""What comes back in a new session: of several owners who each talk with several agents, all over one bank."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from bench.memory.talks import Talk, talk
from bench.memory.topics import OFF_TOPIC
from bench.memory.values import Values
from bench.memory.world import Memory, World, first_with, recalled
from sessionful.domain.agent import LongTermMemory, WorkingMemory
from sessionful.domain.memory import Memory as Kept
from sessionful.domain.memory import Scope
from sessionful.ports import Embedder

AGENTS = ("home", "office", "desk")
_APART = "desk"  # remembers within a session only: in another one nothing of it may come back


class Setting(NamedTuple):
    """`threshold`: of similarity; None in `scope`: nothing is remembered. `apart`: the scope of the agent that is to
    remember within a session only. Others than the usual ones show that a leak would be seen."""

    embedder: Embedder | None = None
    scope: Literal["conversational", "all"] | None = "conversational"
    threshold: float = LongTermMemory().similarity_threshold
    supersedes: bool = True
    apart: Literal["session", "conversational"] = "session"

    def memory(self, agent: str) -> Memory:
        if self.scope is None:
            return Memory(WorkingMemory(), None)
        scope = self.apart if agent == _APART else self.scope
        return Memory(WorkingMemory(), LongTermMemory(storage_scope=scope, similarity_threshold=self.threshold))


class Size(NamedTuple):
    owners: int = 4
    sessions: int = 6
    turns: int = 12


@dataclass
class Score:
    """`asked` and `meant`: the place of what was to come back, None for what did not. `stale`: questions that brought
    back what no longer holds, out of `changed`; `still_live` of those facts were not ended. `idle`: questions about
    something else that brought back anything, out of `off_topic`. `leaks`: texts that a model was given with somebody
    else's value, of `texts`. `junk` was kept of `offered`; `lost` are facts of `told` that were not."""

    asked: list[int | None] = field(default_factory=list)
    meant: list[int | None] = field(default_factory=list)
    changed: int = 0
    stale: int = 0
    still_live: int = 0
    off_topic: int = 0
    idle: int = 0
    texts: int = 0
    leaks: int = 0
    offered: int = 0
    junk: int = 0
    told: int = 0
    lost: int = 0


def at(k: int, places: Sequence[int | None]) -> float:
    return sum(place is not None and place < k for place in places) / max(len(places), 1)


async def measure(setting: Setting, size: Size, seed: int, store: str = "memory") -> Score:
    agents = {agent: setting.memory(agent) for agent in AGENTS}
    world = World(agents, setting.embedder, store, setting.supersedes)
    try:
        return await _Trial(world, size, seed).run()
    finally:
        await world.service.close()


class _Trial:
    def __init__(self, world: World, size: Size, seed: int) -> None:
        random = Random(seed)
        values = Values(random)
        self.world, self.score = world, Score()
        self.talks = {
            (agent, f"owner-{number}"): talk(random, values, size.sessions, size.turns)
            for agent in AGENTS
            for number in range(size.owners)
        }
        for (agent, _), each in self.talks.items():
            world.models[agent].learn(each)
        self._values = {
            turn.fact.value: (*place, _session(number))
            for place, each in self.talks.items()
            for number, session in enumerate(each.turns)
            for turn in session
            if turn.fact is not None
        }

    async def run(self) -> Score:
        for (agent, owner), each in self.talks.items():
            for number, turns in enumerate(each.turns):
                for turn in turns:
                    await self._say(agent, owner, _session(number), turn.said)
        for (agent, owner), each in self.talks.items():
            await self._ask(agent, owner, each)
            await self._look(agent, owner, each)
        return self.score

    async def _say(self, agent: str, owner: str, session_id: str, text: str) -> str:
        model = self.world.models[agent]
        model.seen.clear()
        prompt = await self.world.say(agent, owner, session_id, text)
        for seen in model.seen:
            whose = {place for value, place in self._values.items() if value in seen}
            own = {(agent, owner, at) for _, _, at in whose if agent != _APART or at == session_id}
            self.score.texts += 1
            self.score.leaks += bool(whose - own)
        return prompt

    async def _ask(self, agent: str, owner: str, each: Talk) -> None:
        """Each question in a session of its own."""
        score, apart = self.score, agent == _APART
        for number, (topic, fact) in enumerate(each.now.items()):
            old = each.before.get(topic)
            for places, question in ((score.asked, topic.asked), (score.meant, topic.meant)):
                lines = recalled(await self._say(agent, owner, f"ask-{number}-{question[:9]}", question))
                if apart:
                    continue
                places.append(first_with(fact.value, lines))
                score.changed += old is not None
                score.stale += old is not None and first_with(old.value, lines) is not None
        for number, question in enumerate(OFF_TOPIC):
            lines = recalled(await self._say(agent, owner, f"off-{number}", question))
            score.off_topic += not apart
            score.idle += bool(lines) and not apart

    async def _look(self, agent: str, owner: str, each: Talk) -> None:
        """What the bank holds in the end."""
        if agent == _APART:
            return
        score, junk = self.score, self.world.models[agent].junk
        texts = {memory.text for memory in await self._kept(agent, owner)}
        mine = {turn.junk for session in each.turns for turn in session if turn.junk in junk}
        score.offered += len(mine)
        score.junk += len(texts & mine)
        said = {turn.fact.text for session in each.turns for turn in session if turn.fact is not None}
        holding = said - {fact.text for fact in each.before.values()}
        score.told += len(holding)
        score.lost += len(holding - texts)
        score.still_live += len(texts & {fact.text for fact in each.before.values()})

    async def _kept(self, agent: str, owner: str) -> list[Kept]:
        scope = Scope(agent, owner)
        kept: list[Kept] = []
        cursor: str | None = None
        while True:
            page = await self.world.bank.page(scope, 100, cursor)
            kept += page.memories
            cursor = page.next_cursor
            if cursor is None:
                return kept


def _session(number: int) -> str:
    return f"talk-{number}"
