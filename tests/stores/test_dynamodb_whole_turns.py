"""What whole turns cost on DynamoDB, from the service down: counted on the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sessionful.core.agent import Agent
from sessionful.core.pace import Pace
from sessionful.core.service import Service
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession
from sessionful.domain.turn import TurnRecord
from sessionful.domain.usage import Usage
from sessionful.models.scripted import Reply, ScriptedModel
from sessionful.ports import Finish, ModelRequest, Piece, TextPiece
from tests.contracts.clock import ManualClock
from tests.stores.dynamodb_servers import SERVERS, Bench, bench

HUNDRED = "It is a hundred characters long, as most of what people write to one another in a chat tends to be."
TOKENS = 500
FLUSHES = 43  # of thirty seconds, one each 0.7 s


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with bench(request.param, ManualClock()) as opened:
        opened.relay.watch = opened.meter.watch
        yield opened


class Beats:
    """The log, and a bell that rings with every flush: so a model can talk as fast as it is flushed."""

    def __init__(self, log: Any) -> None:
        self._log, self.flushed = log, asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any) -> Any:
            result = await getattr(self._log, name)(*args)
            if name == "flush":
                self.flushed.set()
            return result

        return call


async def ask(table: Bench, beats: Beats, reply: Reply, flush_seconds: float) -> TurnRecord:
    agent = Agent("guide", ScriptedModel([reply]), beats)  # type: ignore[arg-type]
    service = Service([agent], clock=table.clock, pace=Pace(flush_seconds=flush_seconds))
    await service.create_session("ada", None, NewSession(session_id="trip"))
    table.meter.reset()
    return await (await service.start_turn("ada", None, "trip", Message.user(HUNDRED))).result()


async def test_a_streamed_turn_of_500_tokens_in_30_seconds_writes_at_most_70_units(table: Bench) -> None:
    beats = Beats(table.log)

    async def talk(request: ModelRequest) -> AsyncIterator[Piece]:
        for number in range(TOKENS):
            yield TextPiece(f" tok{number % 10}")
            if number % (TOKENS // FLUSHES) == 0:
                beats.flushed.clear()
                await beats.flushed.wait()
        yield Finish("end_turn", Usage(input_tokens=100, output_tokens=TOKENS))

    record = await ask(table, beats, talk, flush_seconds=0.01)
    assert (record.status, len(record.response)) == ("completed", 5 * TOKENS)
    assert table.meter.requests.count("UpdateItem") - 1 >= FLUSHES
    assert table.meter.writes <= 70


async def test_a_plain_turn_is_three_requests_and_five_units_from_the_service_down(table: Bench) -> None:
    record = await ask(table, Beats(table.log), HUNDRED, flush_seconds=0.7)
    assert record.status == "completed"
    assert sorted(table.meter.requests) == ["Query", "TransactWriteItems", "UpdateItem"]
    assert table.meter.writes == 5
