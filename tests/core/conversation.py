"""A service over the in-memory store and a scripted model, for tests of the core."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.core.turns import TurnHandle
from sessionful.domain.agent import AgentSettings
from sessionful.domain.event import Cursor, Told
from sessionful.domain.message import Message, ToolCall
from sessionful.domain.session import NewSession
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Alarm, Tool
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


class Conversation:
    def __init__(
        self,
        replies: Sequence[Reply] = (),
        tools: Sequence[Tool] = (),
        lease_ms: int = 30_000,
        settings: AgentSettings | None = None,
        delay: float = 0,
        pace: Pace | None = None,
        alarm: Alarm | None = None,
    ) -> None:
        self.clock = Clock()
        self.model = ScriptedModel(replies, delay=delay)
        self.log = InMemoryLog(self.clock)
        agent = Agent("assistant", self.model, self.log, settings or AgentSettings(), tools)
        self.service = Service([agent], clock=self.clock, pace=pace or Pace(lease_ms=lease_ms), alarm=alarm)
        self.id = "s1"

    async def open(self, **fields: Any) -> "Conversation":
        await self.service.create_session("me", None, NewSession(session_id=self.id, **fields))
        return self

    async def say(self, text: str, **options: Any) -> TurnHandle:
        return await self.service.start_turn("me", None, self.id, Message.user(text), **options)

    async def ask(self, text: str, **options: Any) -> Any:
        return await (await self.say(text, **options)).result()

    async def messages(self) -> list[Message]:
        return await self.service.messages("me", None, self.id)


def calling(*calls: tuple[str, dict[str, Any]]) -> Message:
    return Message.assistant(
        [ToolCall(id=f"c{i}", name=name, arguments=arguments) for i, (name, arguments) in enumerate(calls)]
    )


async def told(handle: TurnHandle, after: Cursor | None = None) -> list[Told]:
    return [t async for t in handle.events(after)]


def text_of(events: list[Told]) -> str:
    return "".join(t.event.text for t in events if t.event.type == "text_delta")


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of the test
            await asyncio.sleep(0.005)


async def followed(talk: Conversation, cursor: Cursor | None) -> list[Told]:
    return [t async for t in talk.service.follow("me", None, "s1", cursor)]


@tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
async def slow(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"
