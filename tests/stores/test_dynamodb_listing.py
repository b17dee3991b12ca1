"""Long lists on DynamoDB: from an index that is only renewed every quarter of an hour, and yet in order."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from sessionful.domain.session import Session, SessionKey
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import LEASE_MS, a_key, a_session, an_entry
from tests.contracts.writer import begin, take_over, take_turn
from tests.stores.dynamodb_servers import SERVERS, Bench, bench

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
AGENTS = ["guide", "clerk"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


@pytest.fixture
async def log(table: Bench) -> AsyncIterator[DynamoDBLog]:
    """Past the relay: here is a lot to do, and nothing to count."""
    direct = DynamoDBLog(table.client, table.table, table.clock)
    yield direct
    await direct.close()


async def make(log: DynamoDBLog, moments: Sequence[int], idle: float | None = None, name: str = "s") -> None:
    at_once = asyncio.Semaphore(8)

    async def one(number: int, at: int) -> None:
        async with at_once:
            key = a_key(f"{name}{number:03}", agent=AGENTS[number % 2])
            await log.create(a_session(key, at=at, timeout=idle))

    await asyncio.gather(*(one(number, at) for number, at in enumerate(moments)))


async def told(log: DynamoDBLog, limit: int, agents: Sequence[str] = AGENTS) -> list[Session]:
    found, cursor = [], None
    for _ in range(200):
        page = await log.list_sessions("ada", agents, limit, cursor)
        found += page.sessions
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def in_order(sessions: Sequence[Session]) -> list[SessionKey]:
    return [s.key for s in sorted(sessions, key=lambda s: (-s.updated_at, s.key.agent, s.key.id))]


async def test_a_long_list_is_exact_however_activity_is_spread(log: DynamoDBLog, clock: ManualClock) -> None:
    chance = random.Random(7)
    await make(log, [NOON + chance.randrange(8 * 60) * MINUTE_MS for _ in range(160)])
    clock.now = NOON + 8 * 60 * MINUTE_MS
    for _ in range(60):
        clock.advance(chance.choice([0, 1, MINUTE_MS, 6 * MINUTE_MS, QUARTER_MS]))
        number = chance.randrange(160)
        key = a_key(f"s{number:03}", agent=AGENTS[number % 2])
        if chance.random() < 0.3:
            await log.insert(key, an_entry())
        else:
            await take_turn(log, key)
    for limit in (7, 100):
        listed = await told(log, limit)
        assert [session.key for session in listed] == in_order(listed)
        assert len({session.key for session in listed}) == 160
    clerks = await told(log, 9, ["clerk"])
    assert [session.key for session in clerks] == [session.key for session in listed if session.key.agent == "clerk"]


async def test_in_a_short_list_a_turn_that_has_only_begun_comes_first(log: DynamoDBLog, clock: ManualClock) -> None:
    await make(log, [NOON + number for number in range(30)])
    clock.advance(24 * 60 * MINUTE_MS)
    for number in (3, 8):
        clock.advance(1)
        await begin(log, a_key(f"s{number:03}", agent=AGENTS[number % 2]))
    for limit in (1, 4, 40):
        assert [session.key.id for session in await told(log, limit)][:3] == ["s008", "s003", "s029"]


async def test_in_a_long_list_everybody_is_told_once_whatever_has_begun(log: DynamoDBLog, clock: ManualClock) -> None:
    await make(log, [NOON + number * MINUTE_MS for number in range(150)])
    clock.advance(24 * 60 * MINUTE_MS)
    begun = [a_key(f"s{number:03}", agent=AGENTS[number % 2]) for number in (0, 40, 41, 149)]
    for key in begun:
        await begin(log, key)
    listed = [session.key for session in await told(log, 12)]
    assert len(listed) == len(set(listed)) == 150
    rest = [key for key in listed if key not in begun]
    assert [key.id for key in rest] == sorted((key.id for key in rest), reverse=True)
    clock.advance(LEASE_MS)
    for key in begun:
        await (await take_over(log, key)).settle()
    assert {session.key for session in (await told(log, 12))[:4]} == set(begun)


async def test_hundreds_of_sessions_in_one_quarter_of_an_hour_are_told_once_each(
    log: DynamoDBLog, clock: ManualClock
) -> None:
    await make(log, [NOON + number * 1_000 for number in range(560)])
    clock.now = NOON + 560_000
    for number in (5, 300):
        await take_turn(log, a_key(f"s{number:03}", agent=AGENTS[number % 2]))
    listed = await told(log, 100)
    assert len({session.key for session in listed}) == len(listed) == 560
    for earlier, later in pairwise(listed):
        assert later.updated_at < earlier.updated_at + QUARTER_MS


async def test_expired_sessions_on_the_way_do_not_hide_the_others(log: DynamoDBLog, clock: ManualClock) -> None:
    await make(log, [NOON + number for number in range(540)], idle=10, name="dead")
    await make(log, [NOON - 3_600_000 - number for number in range(20)], name="old")
    await make(log, [NOON + 1_000 + number for number in range(10)], name="new")
    clock.advance(60_000)
    page = await log.list_sessions("ada", AGENTS, 15)
    assert [session.key.id for session in page.sessions] == [f"new{number:03}" for number in range(9, -1, -1)]
    assert page.next_cursor is not None
    listed = [session.key.id for session in await told(log, 15)]
    assert listed[10:] == [f"old{number:03}" for number in range(20)]


async def test_a_session_that_was_deleted_and_made_again_is_listed_as_the_new_one(
    log: DynamoDBLog, clock: ManualClock
) -> None:
    await log.create(a_session(a_key("a")))
    await log.fork(a_key("a"), None, a_session(a_key("b")))
    for _ in range(3):
        clock.advance(QUARTER_MS)
        await take_turn(log, a_key("a"))
    await log.fork(a_key("a"), None, a_session(a_key("fork"), at=clock()))
    await log.delete(a_key("a"))
    clock.advance(1)
    made = await log.create(a_session(a_key("a"), at=clock()))
    assert [s.key.id for s in await told(log, 1)] == ["a", "fork", "b"]
    assert (await told(log, 5))[0] == made
