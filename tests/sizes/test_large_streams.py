"""A reply of megabytes while it is told: flushed in groups, followed from elsewhere, whole after a take-over."""

import asyncio
from collections.abc import AsyncIterator

from sessionful.core.pace import Pace
from sessionful.domain.event import Told
from sessionful.domain.session import SessionKey
from sessionful.domain.usage import Usage
from sessionful.ports import Finish, ModelRequest, Piece, SessionLog, TextPiece
from tests.contracts.samples import noise
from tests.sizes.stores import Open
from tests.sizes.talk import AGENT, OWNER, Talk, talk

PARTS = [noise(1_000_000, seed) for seed in range(3)]
QUICK = Pace(flush_seconds=0.02)


class Teller:
    """A model's reply by the megabyte, each only when the one before it is durable."""

    def __init__(self, log: SessionLog) -> None:
        self.log, self.key = log, SessionKey(OWNER, AGENT, "")

    async def __call__(self, request: ModelRequest) -> AsyncIterator[Piece]:
        for number, part in enumerate(PARTS, start=1):
            yield TextPiece(part)
            await self.durable(number)
        yield Finish("end_turn", Usage(output_tokens=3))

    async def durable(self, parts: int) -> None:
        async with asyncio.timeout(30):
            while sum(map(len, (await self.log.watch(self.key)).flushed)) < parts * 1_000_000:  # noqa: ASYNC110 - the store is asked
                await asyncio.sleep(0.05)


def text_of(events: list[Told]) -> str:
    return "".join(told.event.text for told in events if told.event.type == "text_delta")


async def test_groups_of_megabytes_reach_a_reader_elsewhere_and_are_gone_once_the_step_is_stored(another: Open) -> None:
    log = another()
    teller = Teller(log)
    async with talk(log, [teller], pace=QUICK) as there, talk(another()) as elsewhere:
        await there.open()
        teller.key = SessionKey(OWNER, AGENT, there.id)
        heard = asyncio.create_task(_follow(elsewhere, there.id))
        assert (await there.say("Tell me")).response == "".join(PARTS)
        assert text_of(await heard) == "".join(PARTS)
        assert (await log.watch(teller.key)).flushed == []


async def _follow(reader: Talk, id: str) -> list[Told]:
    return [told async for told in reader.service.follow(OWNER, AGENT, id)]
