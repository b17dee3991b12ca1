"""Processes that carry turns over one log, and die when a test says so."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.rerun import Stage
from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.core.verification import verify
from sessionful.domain.agent import AgentSettings, Limits, Reasoning
from sessionful.domain.error import ToolError
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.domain.turn import TurnRecord
from sessionful.models.recorded import RecordedModel
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Alarm, SessionLog, ToolContext, Wake
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool
from tests.core.conversation import Clock
from tests.validators.vendors import check_request

LEASE_MS = 1000
STAGE = Stage(log=InMemoryLog, model=RecordedModel)
_WRITES = ("begin", "begin_next", "append", "settle", "flush", "release", "take_over", "rebase")


class MortalLog:
    """The log as one process sees it. The process dies with its write number `dies_at` (from 1): before the write has
    happened, or behind it, when nobody hears of it any more. What it calls from then on never returns."""

    def __init__(self, log: SessionLog, dies_at: int, behind: bool) -> None:
        self._log, self._left, self._behind = log, dies_at, behind
        self.dead = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        forwarded = getattr(self._log, name)

        async def call(*args: Any, **options: Any) -> Any:
            self._left -= name in _WRITES
            dies = self._left <= 0 and not self.dead.is_set()
            if dies and self._behind:
                await forwarded(*args, **options)
            if dies:
                self.dead.set()
            if self.dead.is_set():
                await asyncio.Event().wait()
            return await forwarded(*args, **options)

        return call


class Bell:
    """An alarm that only remembers what it was set for."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []

    async def set(self, wake: Wake, delay: float) -> None:
        self.wakes.append(wake)


class Process:
    """`paid` are the idempotency keys that its tool `pay` was called with: a payment, not to be made twice."""

    def __init__(
        self,
        log: SessionLog,
        clock: Clock,
        script: Sequence[Reply] = ("done",),
        *,
        pace: Pace | None = None,
        alarm: Alarm | None = None,
        turn_timeout: float = 60,
        delay: float = 0.001,
    ) -> None:
        self.log, self.clock = log, clock
        self.paid: list[str] = []
        self.model = ScriptedModel([*script, "done"], delay=delay)
        settings = AgentSettings(reasoning=Reasoning(max_steps=4), limits=Limits(turn_timeout=turn_timeout))
        agent = Agent("assistant", self.model, log, settings, [echo, fails, tool(self._pay, name="pay")])
        self.service = Service(
            [agent], clock=clock, pace=pace or Pace(lease_ms=LEASE_MS, flush_seconds=0.002), alarm=alarm
        )

    async def say(self, text: str, session_id: str = "s") -> TurnHandle:
        return await self.service.start_turn("me", None, session_id, Message.user(text))

    async def ask(self, text: str, session_id: str = "s") -> TurnRecord:
        return await (await self.say(text, session_id)).result()

    async def _pay(self, context: ToolContext) -> str:
        """Pay."""
        self.paid.append(context.idempotency_key)
        await asyncio.sleep(0.002)
        return "paid"


@tool
async def echo(text: str = "") -> str:
    """Say it again."""
    await asyncio.sleep(0.001)
    return text


@tool
async def fails() -> str:
    """Fail."""
    raise ToolError("no")


async def a_session(log: SessionLog, clock: Clock) -> None:
    process = Process(log, clock)
    await process.service.create_session("me", None, NewSession(session_id="s"))


async def check_goes_on(process: Process, *former: Process, session_id: str = "s") -> None:
    """The session can be continued; every prompt that was made of it is one that all vendors accept; and what is stored
    is what the loop makes of it."""
    record = await process.ask("and on", session_id)
    assert record.status == "completed", record.error
    for request in (request for one in (*former, process) for request in one.model.requests):
        check_request(request)
    session = await process.service.get_session("me", None, session_id)
    async for check in verify(session, process.log, STAGE):
        assert not check.differences, check
