"""What a turn tells between two steps is flushed in groups, and goes once the step that holds it is stored."""

import pytest

from sessionful.domain.error import SessionExpired, SessionNotFound
from sessionful.domain.turn import Group, Watched
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.odd_values import ODD_TEXTS
from tests.contracts.samples import KEY, LEASE_MS, a_key, a_session, noise
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_over, take_turn


async def test_groups_are_seen_in_their_order_with_the_head(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    assert await log.watch(KEY) == Watched(writer.session, [])
    for number in range(1, 4):
        await writer.flush(f"group {number}", lease_until=NOON + 100_000 + number)
        seen = await log.watch(KEY)
        assert seen == Watched(await log.get(KEY), [f"group {n}" for n in range(1, number + 1)])
    assert await log.watch(KEY) == seen


async def test_a_flush_prolongs_the_lease_and_moves_nothing_else(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    clock.advance(10)
    assert await writer.flush("one", lease_until=NOON + 200_000) is False
    assert writer.session.running is not None
    running = writer.session.running.model_copy(update={"lease_until": NOON + 200_000})
    assert await log.get(KEY) == writer.session.model_copy(update={"running": running})
    clock.advance(LEASE_MS)
    assert await log.take_over(KEY, NOON + 900_000) is None


async def test_a_flush_without_a_group_keeps_what_was_told(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one", "two")
    await writer.flush(lease_until=NOON + 300_000)
    seen = await log.watch(KEY)
    assert seen.flushed == ["one", "two"]
    assert seen.session.running is not None
    assert seen.session.running.lease_until == NOON + 300_000
    await writer.flush("three")
    assert (await log.watch(KEY)).flushed == ["one", "two", "three"]


async def test_a_group_that_comes_again_changes_nothing(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    for number in (1, 1, 2, 2, 1, 3):
        await log.flush(writer.lease, Group(number, f"group {number}"), NOON + 90_000)
    assert (await log.watch(KEY)).flushed == ["group 1", "group 2", "group 3"]


async def test_a_group_that_comes_again_after_its_step_is_not_seen_again(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one", "two")
    await writer.append()
    await log.flush(writer.lease, Group(2, "two"), NOON + 90_000)
    assert (await log.watch(KEY)).flushed == []
    await writer.flush("three")
    assert (await log.watch(KEY)).flushed == ["three"]


async def test_a_stored_step_drops_what_was_told_of_it(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.flush("one", "two")
    await writer.append()
    assert await log.watch(KEY) == Watched(await log.get(KEY), [])
    await writer.flush("three")
    assert (await log.watch(KEY)).flushed == ["three"]
    head = await writer.settle()
    assert await log.watch(KEY) == Watched(head, [])


async def test_the_next_turn_starts_with_nothing_told(log: SessionLog) -> None:
    await log.create(a_session())
    first = await begin(log)
    await first.flush("old")
    await first.settle()
    second = await begin(log)
    assert await log.watch(KEY) == Watched(second.session, [])
    await second.flush("new")
    assert (await log.watch(KEY)).flushed == ["new"]


async def test_an_idle_session_can_be_watched(log: SessionLog) -> None:
    made = await log.create(a_session())
    assert await log.watch(KEY) == Watched(made, [])
    head = await take_turn(log)
    assert await log.watch(KEY) == Watched(head, [])


async def test_many_groups_come_back_in_order(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    writer = await begin(log)
    groups = [f'{{"group":{number},"text":"{noise(60, number)}"}}' for number in range(300)]
    for number, group in enumerate(groups, start=1):
        await writer.flush(group)
        if number % 60 == 0:
            assert (await log.watch(KEY)).flushed == groups[:number]
    await writer.append()
    assert (await log.watch(KEY)).flushed == []
    await writer.settle()
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_groups_of_any_size_follow_one_another(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    writer = await begin(log)
    sizes = [10, 3_000_000, 10, 900, 1_100, 350_000, 5_000, 450_000, 1]
    groups = [noise(size) for size in sizes]
    await writer.flush(*groups)
    assert (await log.watch(KEY)).flushed == groups
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_groups_hold_any_text_of_one_line(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    groups = [text for text in ODD_TEXTS if text and "\n" not in text]
    groups += ["\x0b \x0c \x1c \x1d \x1e \x85 \u2028 \u2029 are no line's end in JSON", " ", "\\n", '"\\u2028"']
    await writer.flush(*groups)
    assert (await log.watch(KEY)).flushed == groups


async def test_a_missing_and_an_expired_session_cannot_be_watched(log: SessionLog, clock: ManualClock) -> None:
    with pytest.raises(SessionNotFound):
        await log.watch(KEY)
    await log.create(a_session(timeout=10))
    writer = await begin(log)
    await writer.flush("one", lease_until=NOON + 90_000)
    clock.advance(89_999)
    assert (await log.watch(KEY)).flushed == ["one"]
    clock.advance(1)
    with pytest.raises(SessionExpired):
        await log.watch(KEY)


async def test_a_fork_takes_nothing_along_that_is_not_stored(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.append("one")
    await writer.flush("half")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    assert await log.watch(a_key("child")) == Watched(child, [])
    theirs = await begin(log, a_key("child"))
    await theirs.flush("theirs")
    assert (await log.watch(KEY)).flushed == ["half"]
    assert (await log.watch(a_key("child"))).flushed == ["theirs"]


@pytest.mark.parametrize("shared", [False, True])
async def test_what_was_told_is_erased_with_its_session(opened: Opened, shared: bool) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    writer = await begin(log)
    await writer.append("one")
    if shared:
        await log.fork(KEY, None, a_session(a_key("child")))
    await writer.flush(*(noise(2_000, number) for number in range(20)))
    await log.delete(KEY)
    again = await log.create(a_session())
    assert await log.watch(KEY) == Watched(again, [])
    await log.delete(KEY)
    if shared:
        await log.delete(a_key("child"))
    assert await opened.raw_count() == clean


async def test_what_was_told_is_erased_when_an_expired_session_is_replaced(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=10))
    await (await begin(log)).flush(*(noise(2_000, number) for number in range(20)))
    clock.advance(100_000)
    again = await log.create(a_session(at=clock()))
    assert await log.watch(KEY) == Watched(again, [])
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_the_next_holder_is_handed_what_was_told(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    first = await begin(log)
    await first.append("stored")
    groups = ["one", noise(5_000), "three"]
    await first.flush(*groups)
    clock.advance(LEASE_MS + 90_000)
    second = await take_over(log, lease_until=clock() + LEASE_MS)
    assert second.flushed == groups
    clock.advance(LEASE_MS)
    assert (await take_over(log)).flushed == groups
