"""A session of 20,000 messages: one more turn, a page, a fork cost what they cost in a short one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from sessionful.domain.session import Position, SessionKey
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.databases import new_sqlite
from tests.contracts.samples import a_session
from tests.sizes.effort import Effort, effort
from tests.sizes.stores import SqlLog
from tests.sizes.talk import AGENT, OWNER, Talk, talk
from tests.stores.dynamodb_servers import Bench, bench
from tests.stores.dynamodb_talk import HUNDRED, a_session_of, spoken
from tests.stores.statements import recorded

TURNS = 10_000
SHORT, LONG = 1_000, TURNS  # the window reaches no further back than the shorter one is long
KEY = SessionKey(OWNER, AGENT, "trip")

Work = Callable[[Talk], Awaitable[object]]


async def one_more_turn(on: Talk) -> None:
    assert (await on.say(HUNDRED)).status == "completed"


async def the_oldest_page(on: Talk) -> None:
    page = await on.service.history(OWNER, AGENT, on.id, limit=20)
    assert [message.id for message in page.messages][:2] == ["1.1.0", "1.1.1"]


async def the_newest_page(on: Talk) -> None:
    page = await on.service.history(OWNER, AGENT, on.id, limit=20, before="99999999.1.0")
    assert len(page.messages) == 20
    assert page.next_cursor is not None


async def a_fork_in_the_middle(on: Talk) -> None:
    child = await on.service.fork_session(OWNER, AGENT, on.id, at="25")
    assert child.message_count == 50


async def a_turn_looked_up(on: Talk) -> None:
    session = await on.service.get_session(OWNER, AGENT, on.id)
    (entry,) = await on.service.log_of(AGENT).turn(session, session.turns // 2)
    assert entry.position.turn == session.turns // 2


WORK: list[Work] = [one_more_turn, the_oldest_page, the_newest_page, a_fork_in_the_middle, a_turn_looked_up]


class Long(NamedTuple):
    talks: list[Talk]
    effort: Effort


async def with_turns(turns: int) -> str:
    """The address of a database with one session in it."""
    url = new_sqlite()
    log = SqlLog.open(url, clock=ManualClock(NOON))
    head = a_session(KEY, turns=turns, last=Position(turns, 1), message_count=2 * turns)
    await log.create(head, [spoken(turn) for turn in range(1, turns + 1)])
    await log.close()
    return url


@pytest.fixture(scope="module")
def urls() -> list[str]:
    return [asyncio.run(with_turns(turns)) for turns in (SHORT, LONG)]


@pytest.fixture
async def sqlite(urls: list[str]) -> AsyncIterator[Long]:
    """A short session and a long one, each in a database of its own."""
    with effort() as counted:
        short, long = (SqlLog.open(url, clock=ManualClock(NOON)) for url in urls)
        async with talk(short, [HUNDRED], id=KEY.id) as one, talk(long, [HUNDRED], id=KEY.id) as other:
            yield Long([one, other], counted)


async def test_nothing_takes_sqlite_more_work_in_a_long_session(sqlite: Long) -> None:
    for work in WORK:
        statements, instructions = [], []
        for one in sqlite.talks:
            sqlite.effort.reset()
            with recorded() as sent:
                await work(one)
            statements.append(len(sent))
            instructions.append(sqlite.effort.instructions)
        assert statements[0] == statements[1], work.__name__
        assert instructions[1] < 1.5 * instructions[0] + 1000, work.__name__


async def test_a_session_of_20_000_messages_is_exported_forked_and_walked_to_its_end(sqlite: Long) -> None:
    one = sqlite.talks[1]
    document = await one.service.export_session(OWNER, AGENT, one.id)
    count = len(document["messages"])
    assert count >= 2 * TURNS
    child = await one.service.fork_session(OWNER, AGENT, one.id)
    assert child.message_count == count
    seen, cursor = 0, None
    while seen == 0 or cursor is not None:
        page = await one.service.history(OWNER, AGENT, child.key.id, limit=100, after=cursor)
        seen, cursor = seen + len(page.messages), page.next_cursor
    assert seen == count


@pytest.fixture
async def table() -> AsyncIterator[Bench]:
    async with bench("moto", ManualClock(NOON)) as opened:
        yield opened


async def test_nothing_takes_dynamodb_more_requests_or_units_in_a_long_session(table: Bench) -> None:
    costs: dict[int, list[tuple[list[str], int, float]]] = {}
    for id, turns in (("short", SHORT), ("long", LONG)):
        await a_session_of(table, turns, id)
        costs[turns] = []
        for work in WORK:
            log = table.another()  # a process that knows nothing yet
            table.meter.reset()
            async with talk(log, [HUNDRED], clock=table.clock, id=id) as one:
                await work(one)
            costs[turns].append((sorted(table.meter.requests), table.meter.writes, table.meter.reads))
    for work, short, long in zip(WORK, costs[SHORT], costs[LONG], strict=True):
        assert long[:2] == short[:2], work.__name__
        assert long[2] <= short[2] + 1, work.__name__  # the same items, a little longer for their higher numbers
