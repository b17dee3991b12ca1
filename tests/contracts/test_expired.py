"""What a sweeper asks of a store: which sessions are past their time, what they are, and that only those go."""

from collections.abc import Sequence

import pytest

from sessionful.domain.error import SessionNotFound
from sessionful.domain.session import Session, SessionChange
from sessionful.ports import SessionLog
from sessionful.stores.dynamodb import DynamoDBLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.odd_values import ODD_IDS
from tests.contracts.samples import KEY, LEASE_MS, a_key, a_session, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_turn

AGENTS = ["guide", "other"]


async def ids(log: SessionLog, at: int, agents: Sequence[str] = AGENTS, limit: int = 10) -> list[str]:
    return [session.key.id for session in await log.expired(agents, at, limit)]


@pytest.fixture(autouse=True)
def swept_by_somebody(log: SessionLog, request: pytest.FixtureRequest) -> None:
    if isinstance(log, DynamoDBLog) and "found" in request.node.name:
        pytest.skip("its table lets them go by itself")


async def test_the_longest_expired_are_found_first_whoever_owns_them(log: SessionLog) -> None:
    for number, owner in ((3, "ada"), (1, "bob"), (2, "ada")):
        await log.create(a_session(a_key(f"s{number}", owner=owner), timeout=number))
    await log.create(a_session(a_key("later"), timeout=100))
    await log.create(a_session(a_key("never")))
    assert await ids(log, NOON + 999) == []
    assert await ids(log, NOON + 1_000) == ["s1"]
    assert await ids(log, NOON + 99_999) == ["s1", "s2", "s3"]
    assert await ids(log, NOON + 99_999, limit=2) == ["s1", "s2"]


async def test_only_the_sessions_of_these_agents_are_found(log: SessionLog) -> None:
    for agent in ("guide", "other", "stranger", "guid", "guide "):
        await log.create(a_session(a_key(f"of {agent}", agent=agent), timeout=1))
    assert sorted(await ids(log, NOON + 1_000)) == ["of guide", "of other"]
    assert await ids(log, NOON + 1_000, []) == []


async def test_the_sessions_of_agents_of_any_name_are_found(log: SessionLog) -> None:
    for number, agent in enumerate(ODD_IDS):
        await log.create(a_session(a_key(str(number), agent=agent), timeout=1))
    for number, agent in enumerate(ODD_IDS):
        assert await ids(log, NOON + 1_000, [agent]) == [str(number)]


async def test_a_session_is_found_by_when_it_ends_now(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10, max_duration=60))
    clock.advance(9_000)
    await take_turn(log)
    assert await ids(log, NOON + 18_999) == []
    assert await ids(log, NOON + 19_000) == ["trip"]
    await log.change(KEY, SessionChange(timeout=20))
    assert await ids(log, NOON + 28_999) == []
    await log.change(KEY, SessionChange(timeout=None))
    assert await ids(log, NOON + 59_999) == []
    assert await ids(log, NOON + 60_000) == ["trip"]


async def test_no_session_is_found_while_the_holder_of_its_turn_lives(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=1))
    writer = await begin(log)
    assert await ids(log, NOON + LEASE_MS - 1) == []
    await writer.append(lease_until=NOON + 2 * LEASE_MS)
    assert await ids(log, NOON + LEASE_MS) == []
    assert await ids(log, NOON + 2 * LEASE_MS) == ["trip"]
    await writer.settle()
    assert await ids(log, NOON + 1_000) == ["trip"]


async def test_what_is_found_is_the_head_with_which_its_past_is_read(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=1, state={"mood": "fine"}, title="Trip"))
    head = await take_turn(log, KEY, "hello", "hi")
    clock.advance(5_000)
    [found] = await log.expired(AGENTS, clock(), 10)
    assert found == head
    assert texts(await log.read(found, 10)) == ["hello", "hi"]


async def test_a_head_is_read_past_its_time_until_it_is_erased(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=1))
    head = await take_turn(log, KEY, "hello", "hi")
    assert await log.head(KEY) == head
    clock.advance(5_000)
    assert await log.head(KEY) == head
    assert texts(await log.read(head, 10)) == ["hello", "hi"]
    await log.delete(KEY, head.log)
    with pytest.raises(SessionNotFound):
        await log.head(KEY)


async def test_a_session_that_took_the_place_of_an_expired_one_is_not_deleted_for_it(
    opened: Opened, clock: ManualClock
) -> None:
    log = opened.log
    clean = await opened.raw_count()
    old = await log.create(a_session(timeout=1))
    clock.advance(1_000)
    new: Session = await log.create(a_session(at=clock()))
    with pytest.raises(SessionNotFound):
        await log.delete(KEY, old.log)
    assert await log.get(KEY) == new
    await log.delete(KEY, new.log)
    assert await opened.raw_count() == clean


async def test_nothing_of_a_swept_session_is_left(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    made = await log.create(a_session(timeout=1))
    await begin(log, idempotency_key="once")
    clock.advance(LEASE_MS)
    await log.delete(KEY, made.log)
    assert await opened.raw_count() == clean
