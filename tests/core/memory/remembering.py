"""Sessions whose turns are put in by hand, and a scripted model that finds the facts a test says it finds."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.memory.extraction import remember
from sessionful.core.memory.facts import made
from sessionful.core.memory.recall import Recalled, recall
from sessionful.core.memory.scopes import scope_of
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, LongTermMemory, MemorySettings
from sessionful.domain.memory import Memory, Scope
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession, Session
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Embedder, ModelRequest, Tool
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.core.conversation import Clock


def fact(text: str, turn: int = 1, **fields: Any) -> dict[str, Any]:
    return {"text": text, "turn": turn, "repeats": [], "replaces": [], **fields}


def found(*facts: dict[str, Any]) -> str:
    return json.dumps({"facts": facts})


def replacing(what: str, text: str, turn: int = 1) -> Callable[[ModelRequest], str]:
    """The model's answer to a list of known memories, of which the one that says `what` is no longer true."""
    return lambda request: found(fact(text, turn, replaces=[number_of(what, request)]))


def repeating(what: str, text: str, turn: int = 1) -> Callable[[ModelRequest], str]:
    return lambda request: found(fact(text, turn, repeats=[number_of(what, request)]))


def number_of(what: str, request: ModelRequest) -> int:
    line = next(line for line in request.messages[0].text.splitlines() if line.endswith(what))
    return int(line.partition(".")[0])


class Remembering:
    """Agents over one log and one bank."""

    def __init__(
        self,
        replies: Sequence[Reply] = (),
        agents: Sequence[str] = ("guide",),
        embedder: Embedder | None = None,
        instructions: str | None = None,
        bank: InMemoryBank | None = None,
        tools: Sequence[Tool] = (),
        **longterm: Any,
    ) -> None:
        self.clock = Clock()
        self.model = ScriptedModel(replies or [found()])
        self.log, self.bank = InMemoryLog(self.clock), bank or InMemoryBank(self.clock)
        self.embedder = embedder or ScriptedEmbedder(dimensions=256)
        settings = AgentSettings(
            instructions=instructions, memory=MemorySettings(longterm=LongTermMemory(**longterm)), sharing=True
        )
        self.agents = {
            name: Agent(name, self.model, self.log, settings, tools, self.bank, self.embedder) for name in agents
        }
        self.service = Service([*self.agents.values()], self.log, clock=self.clock)

    async def session(self, session_id: str, *said: str | Message, owner: str = "ada", **fields: Any) -> Session:
        """Of the first agent unless it says so; a text is a user's, and begins a turn."""
        agent = fields.pop("agent", next(iter(self.agents)))
        return await self.service.create_session(
            owner, agent, NewSession(session_id=session_id, messages=messages(said), **fields)
        )

    async def say(self, session: Session, *said: str | Message) -> Session:
        self.clock.now += 60_000
        return await self.service.add_messages(session.key.owner, session.key.agent, session.key.id, messages(said))

    async def remember(self, session: Session, agent: str = "guide", **options: Any) -> None:
        await remember(self.agents[agent], self.log, session, **options)

    async def recall(
        self, session: Session, text: str, window: Sequence[Message] = (), agent: str = "guide"
    ) -> Recalled | None:
        return await recall(self.agents[agent], session, Message.user(text), window)

    async def recalled(self, session: Session, text: str, **options: Any) -> list[str]:
        found = await self.recall(session, text, **options)
        return [one.memory.text for one in found.found] if found is not None else []

    async def know(self, session: Session, *texts: str, agent: str = "guide", **fields: Any) -> list[Memory]:
        """As if somebody had put them in."""
        vectors = await self.embedder.embed(texts)
        scope = scope_of(self.agents[agent], session)
        known = [made(scope, text, "fact", self.clock()) for text in texts]
        vectored = [
            memory.model_copy(update={"model": self.embedder.name, "vector": vector, **fields})
            for memory, vector in zip(known, vectors, strict=True)
        ]
        return await self.bank.store(vectored)

    async def kept(self, scope: Scope, ended: bool = False) -> list[Memory]:
        return (await self.bank.page(scope, 100, ended=ended)).memories

    async def texts(self, scope: Scope, ended: bool = False) -> list[str]:
        return [memory.text for memory in await self.kept(scope, ended)]


def messages(said: Sequence[str | Message]) -> tuple[Message, ...]:
    """Between two texts the assistant says something: else they were one turn."""
    told: list[Message] = []
    for one in said:
        if isinstance(one, str) and told and told[-1].role == "user":
            told.append(Message.assistant("I see."))
        told.append(Message.user(one) if isinstance(one, str) else one)
    return tuple(told)


def everything_read(request: ModelRequest) -> str:
    """All that a model was given: instructions, messages, tools."""
    parts = [m.model_dump_json() for m in request.messages]
    return "\n".join([request.system or "", *parts, *map(str, request.tools)])
