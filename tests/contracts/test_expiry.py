"""Expiry is enforced on reading, whenever a store erases."""

from collections.abc import Awaitable, Callable

import pytest

from sessionful.domain.error import SessionExists, SessionExpired, SessionNotFound
from sessionful.domain.session import SessionChange
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_turn

USES: dict[str, Callable[[SessionLog], Awaitable[object]]] = {
    "get": lambda log: log.get(KEY),
    "change": lambda log: log.change(KEY, SessionChange(title="x")),
    "fork": lambda log: log.fork(KEY, None, a_session(a_key("child"))),
    "rebase": lambda log: log.rebase(KEY, (), 0),
    "begin": lambda log: log.begin(KEY, a_turn(), WINDOW),
    "wait": lambda log: log.begin(KEY, a_turn(wait=True), WINDOW),
    "begin_next": lambda log: log.begin_next(KEY, LEASE_MS, WINDOW),
    "queued": lambda log: log.queued(KEY),
    "watch": lambda log: log.watch(KEY),
    "insert": lambda log: log.insert(KEY, an_entry()),
}


@pytest.mark.parametrize("use", USES)
async def test_an_expired_session_is_told_apart_from_a_missing_one(
    log: SessionLog, clock: ManualClock, use: str
) -> None:
    with pytest.raises(SessionNotFound):
        await USES[use](log)
    await log.create(a_session(timeout=10))
    clock.advance(9_999)
    await log.get(KEY)
    clock.advance(1)
    with pytest.raises(SessionExpired):
        await USES[use](log)


async def test_a_message_slides_the_idle_timeout(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    for _ in range(3):
        clock.advance(9_000)
        await take_turn(log)
    clock.advance(9_000)
    await log.insert(KEY, an_entry())
    clock.advance(9_999)
    await log.get(KEY)
    clock.advance(1)
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_reading_and_changing_slide_nothing(log: SessionLog, clock: ManualClock) -> None:
    made = await log.create(a_session(timeout=10))
    clock.advance(9_000)
    await log.get(KEY)
    await log.read(made, 10)
    await log.change(KEY, SessionChange(title="x"))
    await log.rebase(KEY, (), 0)
    await log.list_sessions("ada", ["guide"], 10)
    clock.advance(1_000)
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_the_longest_duration_does_not_slide(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10, max_duration=15))
    clock.advance(9_000)
    await take_turn(log)
    clock.advance(5_999)
    await take_turn(log)
    clock.advance(1)
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_a_changed_timeout_counts_from_the_last_activity(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    clock.advance(5_000)
    await log.change(KEY, SessionChange(timeout=20))
    clock.advance(14_999)
    await log.get(KEY)
    clock.advance(1)
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_a_session_without_limits_never_expires(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await log.create(a_session(a_key("freed"), timeout=10))
    await log.change(a_key("freed"), SessionChange(timeout=None))
    clock.advance(NOON)
    await log.get(KEY)
    await log.get(a_key("freed"))


async def test_a_running_turn_keeps_its_session_while_its_holder_lives(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10, max_duration=20))
    writer = await begin(log)
    clock.advance(LEASE_MS - 1)
    assert (await log.get(KEY)).status == "busy"
    assert [s.key for s in (await log.list_sessions("ada", ["guide"], 10)).sessions] == [KEY]
    assert len(await log.find("ada", "trip", ["guide"])) == 1
    await writer.append("still here", lease_until=clock() + LEASE_MS)
    clock.advance(LEASE_MS - 1)
    head = await writer.settle()
    assert texts(await log.read(head, 10)) == ["hello", "still here", "done"]
    with pytest.raises(SessionExpired):
        await log.get(KEY)


async def test_a_session_whose_turn_was_abandoned_expires(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    await begin(log)
    clock.advance(LEASE_MS)
    with pytest.raises(SessionExpired):
        await log.get(KEY)
    with pytest.raises(SessionExpired):
        await log.begin(KEY, a_turn(), WINDOW)


async def test_the_id_of_an_expired_session_can_be_used_again(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    await (await begin(log, idempotency_key="once")).settle()
    with pytest.raises(SessionExists):
        await log.create(a_session())
    clock.advance(10_000)
    again = await log.create(a_session(at=clock()))
    assert await log.get(KEY) == again
    assert await log.read(again, 10) == []
    assert await log.turn_for(KEY, "once") is None
    assert (await begin(log)).lease.turn == 1
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_a_fork_can_take_the_place_of_an_expired_session(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(a_key("child"), timeout=10))
    await take_turn(log, a_key("child"), "old")
    await log.create(a_session())
    await take_turn(log, KEY, "new")
    clock.advance(10_000)
    child = await log.fork(KEY, None, a_session(a_key("child"), at=clock()))
    assert await log.get(a_key("child")) == child
    assert texts(await log.read(child, 10)) == ["new", "done"]


async def test_a_fork_can_take_the_place_of_its_own_expired_parent(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    await take_turn(log, KEY, "one")
    await log.fork(KEY, None, a_session(a_key("child")))
    clock.advance(10_000)
    again = await log.fork(a_key("child"), None, a_session(at=clock()))
    assert texts(await log.read(again, 10)) == ["one", "done"]
    await log.delete(a_key("child"))
    assert texts(await log.read(await take_turn(log, KEY, "two"), 10)) == ["one", "done", "two", "done"]
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_an_expired_session_can_be_deleted(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    await take_turn(log)
    clock.advance(10_000)
    await log.delete(KEY)
    with pytest.raises(SessionNotFound):
        await log.get(KEY)
    assert await opened.raw_count() == clean


@pytest.mark.parametrize("end", ["expire", "delete", "replace"])
async def test_the_end_of_a_parent_takes_nothing_from_its_fork(opened: Opened, clock: ManualClock, end: str) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    await take_turn(log, KEY, "one", "a", "b")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await take_turn(log, KEY, "hidden")
    clock.advance(10_000)
    if end == "delete":
        await log.delete(KEY)
    if end == "replace":
        await log.create(a_session(at=clock()))
        await take_turn(log, KEY, "other")
    assert texts(await log.read(child, 10)) == ["one", "a", "b"]
    head = await take_turn(log, a_key("child"), "two", "c")
    assert texts(await log.read(head, 10)) == ["one", "a", "b", "two", "c"]
    await log.delete(a_key("child"))
    if end != "delete":
        await log.delete(KEY)
    assert await opened.raw_count() == clean
