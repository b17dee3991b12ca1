"""A conversation whose turns each leave a state behind, for tests of points."""

from typing import Any

from sessionful.domain.session import Checkpoint, Session, SessionChange
from tests.core.conversation import Conversation

ME = ("me", None, "s1")


class Talk(Conversation):
    """A conversation whose turns each leave a state behind: `{"n": <how many turns>}`."""

    async def turns(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            await self.be(number)
            await self.ask(f"question {number}")

    async def be(self, n: int) -> None:
        await self.service.change_session(*ME, SessionChange(state={"n": n}))

    async def mark(self, name: str | None = None, made_with: str | None = None) -> Checkpoint:
        return await self.service.create_checkpoint(*ME, name, made_with)

    async def rewind(self, to: str) -> Session:
        return await self.service.rewind_session(*ME, to)

    async def asked(self) -> list[str]:
        return [message.text for message in await self.messages() if message.role == "user"]


async def a_talk(turns: int = 3, **fields: Any) -> Talk:
    talk = Talk(["answer"], **fields)
    await talk.open()
    await talk.turns(1, turns)
    return talk
