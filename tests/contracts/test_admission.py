"""Admission: one conditional write that stores the message, the key and the lease, and reads the past."""

import pytest

from sessionful.domain.error import SessionBusy, SessionEnded, SessionExpired, SessionNotFound
from sessionful.domain.identity import new_turn_id
from sessionful.domain.message import Image, Message, Text
from sessionful.domain.session import RunningTurn, SessionChange
from sessionful.domain.turn import Admitted, Lease
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_session, a_turn, an_entry
from tests.contracts.writer import begin, take_turn


async def test_admission_stores_everything_in_one_go(log: SessionLog, clock: ManualClock) -> None:
    made = await log.create(a_session(title="Rome"))
    clock.advance(5)
    message = Message.user([Text(text="what is this?"), Image(media_type="image/png", data="AAAA")])
    turn = a_turn(agent="clerk", message=message, idempotency_key="once", request_hash="h")
    admitted = await log.begin(KEY, turn, WINDOW)
    assert isinstance(admitted, Admitted)
    expected = made.model_copy(
        update={
            "updated_at": NOON + 5,
            "turns": 1,
            "epoch": 1,
            "version": 2,
            "running": RunningTurn(
                number=1,
                turn_id=new_turn_id(1, turn.nonce),
                attempt=1,
                agent="clerk",
                message=message,
                started_at=NOON + 5,
                lease_until=NOON + 5 + LEASE_MS,
                idempotency_key="once",
                request_hash="h",
            ),
        }
    )
    assert admitted == Admitted(Lease(KEY, made.log, epoch=1, turn=1, attempt=1), expected, past=[])
    assert await log.get(KEY) == expected
    assert await log.turn_for(KEY, "once") == new_turn_id(1, turn.nonce)


async def test_each_turn_has_the_next_number_and_the_next_epoch(log: SessionLog) -> None:
    await log.create(a_session())
    for number in (1, 2, 3):
        writer = await begin(log)
        assert (writer.lease.turn, writer.lease.epoch, writer.lease.attempt) == (number, number, 1)
        await writer.settle()


async def test_a_turn_stores_no_entry_at_admission(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    assert await log.read(writer.session, 10) == []


async def test_admission_slides_the_activity_and_reading_does_not(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    clock.advance(10)
    head = await take_turn(log)
    assert head.updated_at == NOON + 10
    clock.advance(10)
    await log.read(head, 10)
    assert (await log.get(KEY)).updated_at == NOON + 10


async def test_a_busy_session_admits_nobody(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    holder = await begin(log)
    before = await log.get(KEY)
    clock.advance(LEASE_MS - 1)
    with pytest.raises(SessionBusy) as refusal:
        await log.begin(KEY, a_turn(), WINDOW)
    assert before.running is not None
    assert refusal.value.details["turn_id"] == before.running.turn_id
    assert refusal.value.details["lease_expired"] is False
    assert await log.get(KEY) == before
    await holder.settle()
    assert (await begin(log)).lease.turn == 2


async def test_a_busy_session_tells_when_its_holder_seems_dead(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    holder = await begin(log)
    clock.advance(LEASE_MS)
    with pytest.raises(SessionBusy) as refusal:
        await log.begin(KEY, a_turn(), WINDOW)
    assert refusal.value.details["lease_expired"] is True
    assert refusal.value.details["turn_id"] == (holder.session.running and holder.session.running.turn_id)
    assert await log.get(KEY) == holder.session


async def test_a_refused_message_leaves_no_key_behind(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    with pytest.raises(SessionBusy):
        await log.begin(KEY, a_turn(idempotency_key="retry", request_hash="h"), WINDOW)
    assert await log.turn_for(KEY, "retry") is None
    await holder.settle()
    assert (await begin(log, idempotency_key="retry", request_hash="h")).lease.turn == 2


async def test_an_ended_session_admits_nobody_and_can_be_read(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log)
    ended = await log.change(KEY, SessionChange(ended_at=NOON))
    with pytest.raises(SessionEnded):
        await log.begin(KEY, a_turn(), WINDOW)
    assert await log.get(KEY) == ended
    assert len(await log.read(ended, 10)) == 1


async def test_a_session_ended_during_a_turn_lets_it_finish(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await log.change(KEY, SessionChange(ended_at=NOON))
    await writer.append()
    assert (await writer.settle()).status == "ended"
    with pytest.raises(SessionEnded):
        await log.begin(KEY, a_turn(), WINDOW)


async def test_a_missing_and_an_expired_session_admit_nobody(log: SessionLog, clock: ManualClock) -> None:
    with pytest.raises(SessionNotFound):
        await log.begin(KEY, a_turn(), WINDOW)
    await log.create(a_session(timeout=1))
    clock.advance(1000)
    with pytest.raises(SessionExpired):
        await log.begin(KEY, a_turn(), WINDOW)


async def test_an_expired_session_is_expired_before_it_is_ended_or_busy(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=1, ended_at=NOON))
    clock.advance(1000)
    with pytest.raises(SessionExpired):
        await log.begin(KEY, a_turn(), WINDOW)


async def test_an_ended_session_is_ended_before_it_is_busy(log: SessionLog) -> None:
    await log.create(a_session())
    await begin(log)
    await log.change(KEY, SessionChange(ended_at=NOON))
    with pytest.raises(SessionEnded):
        await log.begin(KEY, a_turn(), WINDOW)


async def test_the_past_is_read_at_admission_oldest_first(log: SessionLog) -> None:
    await log.create(a_session())
    first = await begin(log)
    assert first.past == []
    await first.append("one")
    await first.settle("two")
    second = await begin(log)
    assert second.past == first.stored
    await second.settle("three")
    assert (await begin(log)).past == [*first.stored, *second.stored]


async def test_the_past_at_admission_is_the_newest_that_the_window_holds(log: SessionLog) -> None:
    await log.create(a_session())
    for number in range(1, 8):
        await take_turn(log, KEY, f"question {number}")
    writer = await begin(log, window=WINDOW._replace(entries=3))
    assert [entry.position.turn for entry in writer.past] == [5, 6, 7]


@pytest.mark.parametrize(("window_bytes", "fewest", "most"), [(1, 1, 1), (25_000, 2, 4), (10_000_000, 6, 6)])
async def test_the_past_at_admission_ends_where_its_bytes_are_spent(
    log: SessionLog, window_bytes: int, fewest: int, most: int
) -> None:
    await log.create(a_session())
    for _ in range(6):
        await log.insert(KEY, an_entry("x" * 10_000))
    past = (await begin(log, window=WINDOW._replace(bytes=window_bytes))).past
    assert fewest <= len(past) <= most
    assert [entry.position.turn for entry in past] == list(range(7 - len(past), 7))
