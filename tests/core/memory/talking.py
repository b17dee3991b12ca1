"""Long conversations with a model that is also asked for summaries, and what it was shown."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.memory.tokens import estimated_tokens
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.domain.agent import AgentSettings, MemorySettings, WorkingMemory
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import Alarm, MemoryBank, ModelRequest, SessionLog, Tool
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.core.conversation import Clock

BUDGET = 1000
FACT = re.compile(r"Fact \d+: [^.]*\.")

Reply = Callable[[ModelRequest], Any]


def copied(request: ModelRequest) -> str:
    """A summariser that copies the facts, each once, and nothing else."""
    return " ".join(dict.fromkeys(FACT.findall(request.messages[0].text))) or "They talked."


def is_summary(request: ModelRequest) -> bool:
    return (request.system or "").startswith("You keep the summary")


def tokens_of(messages: Sequence[Message]) -> int:
    return sum(map(estimated_tokens, messages))


def summary_in(request: ModelRequest) -> str:
    """The text of the summary that the prompt begins with; empty for none."""
    first = request.messages[0]
    return first.text if first.role == "system" else ""


class Talk:
    """One process. `again` is another one over the same log and bank."""

    def __init__(
        self,
        *,
        working: WorkingMemory | None = None,
        answer: Reply = lambda request: "I have noted that down, thank you very much for telling me.",
        summarise: Callable[[ModelRequest], str | Exception | Awaitable[Any]] = copied,
        tools: Sequence[Tool] = (),
        log: SessionLog | None = None,
        bank: MemoryBank | None = None,
        clock: Clock | None = None,
        pace: Pace | None = None,
        alarm: Alarm | None = None,
    ) -> None:
        self.working = working or WorkingMemory(budget=BUDGET)
        self.clock = clock or Clock()
        self.log = log or InMemoryLog(self.clock)
        self.bank = bank or InMemoryBank(self.clock)
        self.answer, self.summarise = answer, summarise
        self.model = ScriptedModel([self._reply])
        settings = AgentSettings(memory=MemorySettings(working=self.working))
        self.agent = Agent("assistant", self.model, self.log, settings, tools, self.bank)
        self.service = Service([self.agent], clock=self.clock, pace=pace, alarm=alarm)

    def again(self, **changes: Any) -> "Talk":
        kept = {"working": self.working, "answer": self.answer, "summarise": self.summarise}
        return Talk(**{**kept, "log": self.log, "bank": self.bank, "clock": self.clock, **changes})

    async def open(self) -> "Talk":
        await self.service.create_session("me", None, NewSession(session_id="s1"))
        return self

    async def say(self, text: str, session: str = "s1") -> TurnHandle:
        return await self.service.start_turn("me", None, session, Message.user(text))

    async def ask(self, text: str, session: str = "s1") -> str:
        """The answer. What is due after the turn is done before this returns."""
        record = await (await self.say(text, session)).result()
        assert record.status == "completed", record.error
        await self.service.rest()
        return record.response

    async def turns(self, first: int, last: int, facts: int = 5, session: str = "s1") -> None:
        """Each a sentence or two; the first `facts` of the conversation say something to remember."""
        for number in range(first, last + 1):
            fact = f"Fact {number}: locker {number} opens with {number * 1117}. " if number <= facts else ""
            await self.ask(f"{fact}Turn {number} is about the weather of that day, and nothing else at all.", session)

    @property
    def prompts(self) -> list[ModelRequest]:
        return [request for request in self.model.requests if not is_summary(request)]

    @property
    def summaries(self) -> list[ModelRequest]:
        return [request for request in self.model.requests if is_summary(request)]

    def _reply(self, request: ModelRequest) -> Any:
        return self.summarise(request) if is_summary(request) else self.answer(request)
