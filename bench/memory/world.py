"""The service of the benchmark: the real one, over a real store and bank, with a clock that a turn moves on."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.memory.model import ExactModel
from bench.memory.topics import INSTRUCTIONS
from sessionful.core.agent import Agent
from sessionful.core.memory.prompts import REMEMBERED
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, LongTermMemory, MemorySettings, WorkingMemory
from sessionful.domain.message import Message
from sessionful.ports import Embedder
from sessionful.wiring.stores import make_log, open_bank

_START = 1_790_000_000_000


class Memory(NamedTuple):
    working: WorkingMemory
    longterm: LongTermMemory | None


class World:
    """Agents by name, each with a model of its own. `supersedes`: see ExactModel."""

    def __init__(
        self, agents: Mapping[str, Memory], embedder: Embedder | None, store: str = "memory", supersedes: bool = True
    ) -> None:
        self.now = _START
        self.bank = open_bank(store)
        self.models = {name: ExactModel(supersedes) for name in agents}
        log = make_log(store)
        self.service = Service(
            [
                Agent(name, self.models[name], log, _settings(memory), bank=self.bank, embedder=embedder)
                for name, memory in agents.items()
            ],
            log,
            clock=lambda: self.now,
        )

    async def say(self, agent: str, owner: str, session_id: str, text: str) -> str:
        """The prompt of the turn, as one text. What is due after the turn is done before this returns."""
        self.now += 60_000
        handle = await self.service.start_turn(owner, agent, session_id, Message.user(text), create=True)
        record = await handle.result()
        if record.status != "completed":
            raise RuntimeError(f"a turn ended as {record.status}: {record.error}")
        await self.service.rest()
        return "\n".join(message.text for message in self.models[agent].prompt.messages)


def recalled(prompt: str) -> list[str]:
    """The lines of the block of memories, best first; none without it."""
    _, label, rest = prompt.rpartition(REMEMBERED)
    return [line for line in rest.splitlines() if line.startswith("- ")] if label else []


def first_with(value: str, lines: Sequence[str]) -> int | None:
    return next((place for place, line in enumerate(lines) if value in line), None)


def _settings(memory: Memory) -> AgentSettings:
    return AgentSettings(
        instructions=INSTRUCTIONS, memory=MemorySettings(working=memory.working, longterm=memory.longterm)
    )
