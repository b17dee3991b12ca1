"""A service whose sessions end: over a store and its bank, with a model that finds one fact in whatever it reads."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

from sessionful.core.agent import Agent
from sessionful.core.memory.extraction import progress_log
from sessionful.core.service import Service
from sessionful.core.sweeping import Sweeper
from sessionful.domain.agent import AgentSettings, LongTermMemory, MemorySettings
from sessionful.domain.error import StoreUnavailable
from sessionful.domain.memory import Scope
from sessionful.domain.message import Message
from sessionful.domain.session import Session
from sessionful.embedders.scripted import ScriptedEmbedder
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import MemoryBank, ModelRequest, SessionLog
from sessionful.stores.in_memory import InMemoryLog
from sessionful.stores.in_memory_bank import InMemoryBank
from tests.contracts.bank_samples import a_memory, a_source, a_summary, texts_in
from tests.contracts.clock import ManualClock
from tests.contracts.databases import sql_bank, sql_log, sqlite_url
from tests.contracts.dynamodb import dynamodb_log, moto_client
from tests.contracts.dynamodb_bank import dynamodb_bank

FACT = "Mia, the user's sister, lives in Oslo."
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

Where = Literal["in_memory", "sqlite", "dynamodb"]
Storage = Literal["session", "conversational", "all", "summaries_only"]


class House:
    """`raw_count` is everything that is kept, whatever it is. `failures` are raised by the model when it is to find
    facts, one a time."""

    def __init__(
        self, log: SessionLog, bank: MemoryBank, raw_count: Callable[[], Awaitable[int]], clock: ManualClock
    ) -> None:
        self.log, self.bank, self.raw_count, self.clock = log, bank, raw_count, clock
        self.failures: list[Exception] = []
        self.model = ScriptedModel([self._reply])

    def service(self, storage: Storage | None = "conversational", names: tuple[str, ...] = ("guide",)) -> Service:
        """One that remembers at a session's end, and not before."""
        longterm = None if storage is None else LongTermMemory(storage_scope=storage, batch_size=0)
        settings = AgentSettings(memory=MemorySettings(longterm=longterm))
        agents = [
            Agent(name, self.model, self.log, settings, bank=self.bank, embedder=ScriptedEmbedder()) for name in names
        ]
        return Service(agents, clock=self.clock, timeout=60)

    def sweeper(self, service: Service) -> Sweeper:
        return Sweeper(service, self.clock)

    async def talk(self, service: Service, session_id: str = "trip", agent: str = "guide") -> Session:
        """One turn, in a session that is made where there is none."""
        message = Message.user("My sister Mia lives in Oslo")
        handle = await service.start_turn("ada", agent, session_id, message, create=True)
        await handle.result()
        return await service.get_session("ada", agent, session_id)

    async def leave(self, session: Session, text: str = "left by hand") -> None:
        """What a long session has in the bank by and by: memories of its own, summaries, and how far it was read."""
        scope = Scope(session.key.agent, session.key.owner, session.key.id)
        await put(self.bank, scope, text, session.log)
        for log, turn in ((session.log, 1), (progress_log(session.log), 0)):
            await self.bank.keep_summary(session.key.owner, session.key.agent, a_summary(log=log, turn=turn))

    async def common(self) -> list[str]:
        """What all of the owner's sessions with the agent have in common."""
        return await texts_in(self.bank, Scope("guide", "ada"))

    async def own(self, session_id: str = "trip") -> list[str]:
        return await texts_in(self.bank, Scope("guide", "ada", session_id))

    def asked_for_facts(self) -> int:
        return sum(request.schema is not None for request in self.model.requests)

    def _reply(self, request: ModelRequest) -> str | Exception:
        if request.schema is None:
            return "Noted."
        if self.failures:
            return self.failures.pop(0)
        return json.dumps({"facts": [{"text": FACT, "turn": 1}]})


async def put(bank: MemoryBank, scope: Scope, text: str, *logs: str) -> None:
    await bank.store([a_memory(text, scope, sources=tuple(a_source(log) for log in logs))])


@asynccontextmanager
async def opened(where: Where, clock: ManualClock) -> AsyncIterator[House]:
    if where == "in_memory":
        memory, kept = InMemoryLog(clock), InMemoryBank(clock)

        async def count() -> int:
            return memory.raw_count() + kept.raw_count()

        yield House(memory, kept, count, clock)
        return
    async with AsyncExitStack() as stack:
        if where == "sqlite":
            log, raw_count = await stack.enter_async_context(sql_log(sqlite_url(), clock))
            bank, _ = await stack.enter_async_context(sql_bank(sqlite_url(), clock))
            yield House(log, bank, raw_count, clock)
            return
        client = await asyncio.to_thread(moto_client)
        table, items = await stack.enter_async_context(dynamodb_log(client, clock))
        memories, others = await stack.enter_async_context(dynamodb_bank(client, clock))

        async def of_both() -> int:
            return await items() + await others()

        yield House(table, memories, of_both, clock)


Hook = Callable[[str], Awaitable[None]]


class Between:
    """A log or a bank with somebody in between, who hears of each request before and after it is done."""

    def __init__(self, inner: object, before: Hook, after: Hook) -> None:
        self._inner, self._before, self._after = inner, before, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def asked(*args: Any, **kwargs: Any) -> Any:
            await self._before(name)
            done = await method(*args, **kwargs)
            await self._after(name)
            return done

        return asked


class Process:
    """It dies with its request of this number, which is `done` or not. Nothing that it asks for then is heard."""

    def __init__(self, dies_at: int, done: bool) -> None:
        self._dies_at, self._done = dies_at, done
        self._asked = 0
        self.dead = False

    def house(self, house: House) -> House:
        def ours(inner: object) -> Any:
            return Between(inner, self._before, self._after)

        return House(ours(house.log), ours(house.bank), house.raw_count, house.clock)

    async def _before(self, name: str) -> None:
        self._asked += 1
        self.dead = self.dead or (self._asked == self._dies_at and not self._done)
        self._check()

    async def _after(self, name: str) -> None:
        self.dead = self.dead or (self._asked == self._dies_at and self._done)
        self._check()

    def _check(self) -> None:
        if self.dead:
            raise StoreUnavailable("the process is dead")
