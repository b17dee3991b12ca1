"""A long message rides in the head until its turn is flushed, then beside it: nothing of it is lost, or left behind."""

from collections.abc import AsyncIterator

import pytest

from sessionful.domain.error import LeaseLost
from tests.contracts.clock import ManualClock
from tests.contracts.samples import KEY, a_session, texts
from tests.contracts.writer import Writer, begin, take_over
from tests.stores.dynamodb_servers import SERVERS, Bench, bench
from tests.stores.dynamodb_spoils import losing_answers

LONG = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(2_000))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        await opened.log.create(a_session())
        yield opened


def beside(table: Bench) -> int:
    return sum(item["sk"]["S"].startswith("D#") for item in table.items())


async def asked(table: Bench) -> str:
    """What another process sees that the turn was asked."""
    elsewhere = table.another()
    running = (await elsewhere.watch(KEY)).session.running
    await elsewhere.close()
    assert running is not None
    return running.message.text


async def settled(table: Bench, writer: Writer, *steps: str) -> None:
    head = await writer.settle()
    assert texts(await table.log.read(head, 10)) == [LONG, *steps, "done"]
    assert beside(table) == 0


async def test_the_first_flush_takes_it_out_of_the_head_and_the_end_erases_it(table: Bench) -> None:
    writer = await begin(table.log, text=LONG)
    assert beside(table) == 0
    for count in range(3):
        await writer.flush(f"told {count}")
        assert (beside(table), await asked(table)) == (1, LONG)
    await settled(table, writer)


async def test_a_flush_whose_answer_is_lost_takes_it_out_once(table: Bench) -> None:
    writer = await begin(table.log, text=LONG)
    table.relay.spoil = losing_answers("UpdateItem")
    await writer.flush("told")
    table.relay.spoil = None
    assert (beside(table), await asked(table)) == (1, LONG)
    await settled(table, writer)


async def test_a_holder_that_lost_its_lease_leaves_nothing_beside_the_head(table: Bench, clock: ManualClock) -> None:
    old = await begin(table.log, text=LONG)
    clock.advance(90_000)
    successor = await take_over(table.another())
    with pytest.raises(LeaseLost):
        await old.flush("too late")
    assert (beside(table), await asked(table)) == (0, LONG)
    await successor.flush("told")
    assert (beside(table), await asked(table)) == (1, LONG)
    await settled(table, successor)


async def test_whoever_takes_over_after_the_flush_finds_it(table: Bench, clock: ManualClock) -> None:
    old = await begin(table.log, text=LONG)
    await old.flush("told")
    clock.advance(900_000)
    successor = await take_over(table.another(), lease_until=clock() + 900_000)
    assert successor.session.running is not None
    assert successor.session.running.message.text == LONG
    await successor.flush("again")
    await successor.append("one")
    await settled(table, successor, "one")
