"""One writer: whoever has lost the right to a turn cannot write any more, and changes nothing by trying."""

import pytest

from sessionful.domain.error import LeaseLost, SessionExpired, SessionNotFound
from sessionful.domain.session import SessionChange
from sessionful.domain.turn import Lease
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.refusals import assert_cannot_write
from tests.contracts.samples import KEY, LEASE_MS, a_session, an_entry, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_over, take_turn


async def test_a_turn_whose_lease_has_run_out_is_taken_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    first = await begin(log)
    await first.append("one")
    before = await log.get(KEY)
    clock.advance(90_000)
    taken = await log.take_over(KEY, NOON + 200_000)
    assert taken is not None
    lease, session, flushed = taken
    assert lease == Lease(KEY, before.log, epoch=before.epoch + 1, turn=1, attempt=2)
    assert flushed == []
    assert before.running is not None
    running = before.running.model_copy(update={"attempt": 2, "lease_until": NOON + 200_000})
    assert session.model_copy(update={"version": 0}) == before.model_copy(
        update={"epoch": before.epoch + 1, "running": running, "version": 0}
    )
    assert await log.get(KEY) == session


async def test_there_is_nothing_to_take_while_the_holder_lives(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    assert await log.take_over(KEY, NOON + 200_000) is None
    writer = await begin(log)
    clock.advance(LEASE_MS - 1)
    assert await log.take_over(KEY, NOON + 200_000) is None
    head = await writer.settle()
    clock.advance(LEASE_MS)
    assert await log.take_over(KEY, NOON + 200_000) is None
    assert await log.get(KEY) == head


async def test_there_is_nothing_to_take_in_a_missing_session(log: SessionLog) -> None:
    with pytest.raises(SessionNotFound):
        await log.take_over(KEY, NOON + 200_000)


async def test_a_turn_is_taken_over_once_for_each_lease(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await begin(log)
    for attempt in (2, 3, 4):
        clock.advance(LEASE_MS)
        writer = await take_over(log, lease_until=clock() + LEASE_MS)
        assert (writer.lease.attempt, writer.lease.epoch) == (attempt, attempt)
        assert await log.take_over(KEY, clock() + LEASE_MS) is None


async def test_the_old_writer_changes_nothing_after_a_take_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    await old.append("one")
    clock.advance(LEASE_MS + 90_000)
    new = await take_over(log)
    before = await log.get(KEY)
    await assert_cannot_write(old)
    assert await log.get(KEY) == before
    assert texts(await log.read(before, 10)) == ["hello", "one"]
    await new.append("two")
    await assert_cannot_write(old)
    head = await new.settle("three")
    await assert_cannot_write(old)
    assert await log.get(KEY) == head
    assert texts(await log.read(head, 10)) == ["hello", "one", "two", "three"]


async def test_a_late_holder_writes_on_when_nobody_took_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    clock.advance(LEASE_MS + 1)
    assert await log.flush(writer.lease, None, clock() + LEASE_MS) is False
    clock.advance(LEASE_MS + 1)
    await writer.append("late", lease_until=clock() + LEASE_MS)
    clock.advance(LEASE_MS + 1)
    await writer.settle("later")
    assert texts(await log.read(await log.get(KEY), 10)) == ["hello", "late", "later"]


async def test_a_settled_turn_cannot_be_written_any_more(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    head = await writer.settle()
    await assert_cannot_write(writer)
    assert await log.get(KEY) == head
    following = await begin(log)
    await assert_cannot_write(writer)
    assert await log.get(KEY) == following.session


async def test_what_was_put_in_after_a_turn_does_not_let_its_writer_back(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await writer.settle()
    head = await log.insert(KEY, an_entry("aside"))
    await assert_cannot_write(writer)
    assert await log.get(KEY) == head


async def test_a_deleted_session_takes_no_writes_and_its_id_starts_empty(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    writer = await begin(log)
    await writer.append("one")
    await log.delete(KEY)
    await assert_cannot_write(writer)
    assert await opened.raw_count() == clean
    again = await log.create(a_session())
    await assert_cannot_write(writer)
    assert await log.get(KEY) == again
    assert await log.read(again, 10) == []


async def test_a_lease_does_not_fit_the_next_session_of_the_same_id(log: SessionLog) -> None:
    await log.create(a_session())
    old = await begin(log, text="old")
    await log.delete(KEY)
    await log.create(a_session())
    new = await begin(log, text="new")
    assert (new.lease.epoch, new.lease.turn) == (old.lease.epoch, old.lease.turn)
    await assert_cannot_write(old)
    assert await log.get(KEY) == new.session
    assert texts(await log.read(await new.settle("fine"), 10)) == ["new", "fine"]


async def test_an_abandoned_turn_of_an_expired_session_can_be_closed(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    await begin(log)
    clock.advance(LEASE_MS)
    with pytest.raises(SessionExpired):
        await log.get(KEY)
    writer = await take_over(log, lease_until=clock() + LEASE_MS)
    assert (await log.get(KEY)).running is not None
    head = await writer.settle("closed")
    assert head.running is None
    with pytest.raises(SessionExpired):
        await log.get(KEY)
    assert texts(await log.read(head, 10)) == ["hello", "closed"]


async def test_a_take_over_works_in_an_ended_session(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await begin(log)
    await log.change(KEY, SessionChange(ended_at=NOON))
    clock.advance(LEASE_MS)
    writer = await take_over(log)
    assert (await writer.settle()).status == "ended"


async def test_the_next_turn_after_a_take_over_has_a_higher_epoch(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await begin(log)
    clock.advance(LEASE_MS)
    closed = await (await take_over(log)).settle("closed")
    assert (await begin(log)).lease.epoch == closed.epoch + 1
    with pytest.raises(LeaseLost):
        await log.flush(Lease(KEY, closed.log, closed.epoch, 1, 2), None, NOON + 900_000)


async def test_many_turns_leave_the_log_in_order_after_a_crash(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "first", "a", "b")
    crashed = await begin(log, text="second")
    await crashed.append("c")
    clock.advance(LEASE_MS + 90_000)
    await (await take_over(log)).settle("d")
    await take_turn(log, KEY, "third", "e")
    told = texts(await log.read(await log.get(KEY), 100))
    assert told == ["first", "a", "b", "second", "c", "d", "third", "e"]
