"""Two processes over one log: each has a cable to it, and a process whose cable is cut is dead to everybody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.domain.agent import AgentSettings
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Alarm, Tool
from sessionful.stores.in_memory import InMemoryLog

LEASE_MS = 10_000
QUICK = Pace(lease_ms=LEASE_MS, flush_seconds=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_the_lease(self) -> None:
        self.now += LEASE_MS + 1


class Cable:
    """Passes every call on until it is cut: then no call ever comes back. `cut_at` cuts it at the k-th call of that
    name, before or after that is done."""

    def __init__(self, log: InMemoryLog) -> None:
        self._log = log
        self.is_cut = asyncio.Event()
        self.calls: list[str] = []
        self.cut_at: tuple[str, int, str] | None = None

    def cut(self) -> None:
        self.is_cut.set()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._dead()
            self.calls.append(name)
            hit = self.cut_at is not None and self.cut_at[:2] == (name, self.calls.count(name))
            if hit and self.cut_at is not None and self.cut_at[2] == "before":
                self.cut()
                await self._dead()
            result = await getattr(self._log, name)(*args, **kwargs)
            if hit:
                self.cut()
                await self._dead()
            return result

        return call

    async def _dead(self) -> None:
        if self.is_cut.is_set():
            await asyncio.Event().wait()


class Process:
    """A service on a cable, with a model of its own."""

    def __init__(
        self,
        log: InMemoryLog,
        clock: Clock,
        replies: Sequence[Reply] = (),
        tools: Sequence[Tool] = (),
        delay: float = 0.0,
        settings: AgentSettings | None = None,
        pace: Pace = QUICK,
        alarm: Alarm | None = None,
    ) -> None:
        self.cable, self.model = Cable(log), ScriptedModel(replies, delay=delay)
        agent = Agent("assistant", self.model, self.cable, settings or AgentSettings(), tools)  # type: ignore[arg-type]
        self.service = Service([agent], clock=clock, pace=pace, alarm=alarm)

    async def open(self) -> "Process":
        await self.service.create_session("me", None, NewSession(session_id="s1"))
        return self

    async def say(self, text: str, **options: Any) -> TurnHandle:
        return await self.service.start_turn("me", None, "s1", Message.user(text), **options)

    async def found(self, turn_id: str) -> TurnHandle:
        return await self.service.find_turn("me", None, "s1", turn_id)

    async def history(self) -> list[tuple[str, str]]:
        page = await self.service.history("me", None, "s1", limit=100)
        return [(message.role, message.text) for message in page.messages]
