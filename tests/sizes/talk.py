"""A service over one of the stores, and talk by the megabyte."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings
from sessionful.domain.clock import now_ms
from sessionful.domain.message import Image, Message, Part, ToolCall
from sessionful.domain.session import NewSession
from sessionful.domain.turn import TurnRecord
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Clock, SessionLog, Tool
from sessionful.tools.function import tool
from tests.contracts.samples import noise

ALL_OF_IT = {"memory": {"working": {"strategy": "full"}}}
OWNER, AGENT = "ada", "guide"
_WORD = 4_000


class Talk:
    def __init__(self, service: Service, model: ScriptedModel, id: str) -> None:
        self.service, self.model, self.id = service, model, id

    async def open(self, **fields: Any) -> "Talk":
        await self.service.create_session(OWNER, AGENT, NewSession(session_id=self.id, **fields))
        return self

    async def say(self, content: str | Part | list[Part], **options: Any) -> TurnRecord:
        turn = await self.service.start_turn(OWNER, AGENT, self.id, Message.user(content), **options)
        return await turn.result()

    async def messages(self) -> list[Message]:
        return await self.service.messages(OWNER, AGENT, self.id)

    def shown(self) -> list[Message]:
        """What the model was shown last."""
        return list(self.model.requests[-1].messages)


@asynccontextmanager
async def talk(
    log: SessionLog,
    replies: Sequence[Reply] = (),
    tools: Sequence[Tool] = (),
    pace: Pace | None = None,
    clock: Clock = now_ms,
    id: str | None = None,
    **settings: Any,
) -> AsyncIterator[Talk]:
    """Closes the log, too."""
    model = ScriptedModel(replies)
    agent = Agent(AGENT, model, log, AgentSettings.model_validate(settings), tools)
    service = Service([agent], pace=pace, clock=clock)
    yield Talk(service, model, id or f"s-{uuid4().hex}")
    await service.close()


def long_words(size: int, seed: int = 0) -> str:
    """Text that hardly compresses, in words so long that a model streams it in few pieces."""
    text = noise(size, seed)
    return " ".join(text[start : start + _WORD - 1] for start in range(0, size, _WORD))[:size].strip()


def picture(size: int) -> Image:
    return Image(media_type="image/png", data=noise(size, seed=7))


def calling(name: str) -> Message:
    return Message.assistant([ToolCall(id="c1", name=name)])


def reading(text: str) -> Tool:
    @tool
    async def read_report() -> str:
        """Read the report."""
        return text

    return read_report
