"""Turns that wait: each gets its number and its id at once, and is admitted when those before it are over."""

import pytest

from sessionful.domain.error import SessionBusy, SessionEnded, SessionExpired, SessionNotFound
from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import QueuedTurn, RunningTurn, SessionChange
from sessionful.domain.turn import Admitted, Lease, Queued
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, places, texts
from tests.contracts.writer import begin, begin_next, take_over, take_turn, wait_in_line


async def test_a_turn_that_waits_has_its_number_and_id_at_once(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    holder = await begin(log)
    clock.advance(5)
    turn = a_turn("later", agent="clerk", idempotency_key="once", request_hash="h", wait=True)
    told = await log.begin(KEY, turn, WINDOW)
    before = holder.session
    head = before.model_copy(update={"turns": 2, "queued": 1, "version": before.version + 1})
    assert told == Queued(head, new_turn_id(2, turn.nonce))
    assert await log.get(KEY) == head
    waiting = QueuedTurn(
        number=2,
        turn_id=new_turn_id(2, turn.nonce),
        agent="clerk",
        message=turn.message,
        idempotency_key="once",
        request_hash="h",
        queued_at=NOON + 5,
    )
    assert await log.queued(KEY) == [waiting]


async def test_a_turn_that_waited_is_admitted_under_its_number_and_id(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    holder = await begin(log)
    turn = a_turn("later", agent="clerk", idempotency_key="once", request_hash="h", wait=True)
    await log.begin(KEY, turn, WINDOW)
    before = await holder.settle()
    clock.advance(7)
    admitted = await log.begin_next(KEY, 1_234, WINDOW)
    running = RunningTurn(
        number=2,
        turn_id=new_turn_id(2, turn.nonce),
        agent="clerk",
        message=turn.message,
        idempotency_key="once",
        request_hash="h",
        attempt=1,
        started_at=NOON + 7,
        lease_until=NOON + 7 + 1_234,
    )
    epoch = before.epoch + 1
    moved = {"running": running, "queued": 0, "epoch": epoch, "updated_at": NOON + 7, "version": before.version + 1}
    head = before.model_copy(update=moved)
    assert admitted == Admitted(Lease(KEY, before.log, epoch, turn=2, attempt=1), head, holder.stored)
    assert await log.get(KEY) == head
    assert await log.queued(KEY) == []


async def test_a_free_session_admits_at_once_whoever_is_ready_to_wait(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log, wait=True, undo=True)
    assert (writer.lease.turn, writer.session.queued) == (1, 0)
    await writer.settle()
    assert (await begin(log, wait=True)).lease.turn == 2


async def test_turns_are_admitted_in_the_order_they_came(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log, text="1")
    for number in range(2, 15):
        queued = await wait_in_line(log, text=str(number))
        assert (queued.session.turns, queued.session.queued) == (number, number - 1)
    assert [turn.number for turn in await log.queued(KEY)] == list(range(2, 15))
    await holder.settle("done")
    for number in range(2, 15):
        writer = await begin_next(log)
        assert (writer.lease.turn, writer.session.queued) == (number, 14 - number)
        assert [turn.number for turn in await log.queued(KEY)] == list(range(number + 1, 15))
        await writer.settle("done")
    entries = await log.read(await log.get(KEY), 100)
    assert places(entries) == [(number, 1) for number in range(1, 15)]
    assert texts(entries)[::2] == [str(number) for number in range(1, 15)]


async def test_the_next_is_not_admitted_before_its_time(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    holder = await begin(log)
    await wait_in_line(log)
    before = await log.get(KEY)
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    clock.advance(LEASE_MS)  # whoever finds a dead holder has to take its turn over first
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    assert await log.get(KEY) == before
    await holder.settle()
    next_one = await begin_next(log)
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    head = await next_one.settle()
    assert await log.begin_next(KEY, LEASE_MS, WINDOW) is None
    assert await log.get(KEY) == head


@pytest.mark.parametrize("released", [False, True])
async def test_a_turn_waits_behind_one_that_lost_its_holder(
    log: SessionLog, clock: ManualClock, released: bool
) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log, text="second")
    if released:
        await log.release(holder.lease)
    clock.advance(LEASE_MS)
    queued = await wait_in_line(log, text="third")
    assert (queued.session.turns, queued.session.queued) == (3, 2)
    taken = await take_over(log)
    assert (taken.lease.turn, taken.session.queued) == (1, 2)
    await taken.settle()
    for _ in range(2):
        await (await begin_next(log)).settle()
    assert texts(await log.read(await log.get(KEY), 10))[::2] == ["hello", "second", "third"]


async def test_nobody_goes_before_those_who_wait(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    with pytest.raises(SessionBusy) as refusal:
        await log.begin(KEY, a_turn(), WINDOW)
    assert refusal.value.details["turn_id"] == (holder.session.running and holder.session.running.turn_id)
    await holder.settle()
    before = await log.get(KEY)
    assert (before.running, before.status) == (None, "busy")
    with pytest.raises(SessionBusy) as refusal:
        await log.begin(KEY, a_turn(idempotency_key="unused"), WINDOW)
    assert refusal.value.details["turn_id"] is None
    with pytest.raises(SessionBusy) as refusal:
        await log.insert(KEY, an_entry("aside"))
    assert refusal.value.details["turn_id"] is None
    assert await log.get(KEY) == before
    assert await log.turn_for(KEY, "unused") is None
    assert (await wait_in_line(log)).session.queued == 2
    for _ in range(2):
        await (await begin_next(log)).settle()
    assert (await begin(log)).lease.turn == 4


async def test_only_the_admission_of_a_turn_slides_the_activity(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=100))
    holder = await begin(log)
    clock.advance(10)
    assert (await wait_in_line(log)).session.updated_at == NOON
    assert (await holder.settle()).updated_at == NOON
    clock.advance(10)
    assert (await begin_next(log)).session.updated_at == NOON + 20
    assert [s.updated_at for s in (await log.list_sessions("ada", ["guide"], 10)).sessions] == [NOON + 20]


async def test_an_ended_session_lets_nobody_join_and_lets_out_who_waits(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    await log.change(KEY, SessionChange(ended_at=NOON))
    with pytest.raises(SessionEnded):
        await log.begin(KEY, a_turn(wait=True), WINDOW)
    await holder.settle()
    with pytest.raises(SessionEnded):
        await log.begin(KEY, a_turn(wait=True), WINDOW)
    head = await (await begin_next(log)).settle()
    assert (head.status, head.turns, head.queued) == ("ended", 2, 0)


async def test_an_expired_session_lets_nobody_join_or_out(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=10))
    holder = await begin(log)
    await wait_in_line(log)
    await holder.settle()
    clock.advance(10_000)
    for work in (log.begin(KEY, a_turn(wait=True), WINDOW), log.begin_next(KEY, LEASE_MS, WINDOW), log.queued(KEY)):
        with pytest.raises(SessionExpired):
            await work


async def test_a_fork_does_not_take_the_queue_along(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log)
    await begin(log)
    await wait_in_line(log)
    child = await log.fork(KEY, None, a_session(a_key("child")))
    assert (child.queued, child.turns, child.running, child.status) == (0, 1, None, "idle")
    assert await log.queued(a_key("child")) == []
    assert await log.begin_next(a_key("child"), LEASE_MS, WINDOW) is None
    assert (await begin(log, a_key("child"))).lease.turn == 2
    assert [turn.number for turn in await log.queued(KEY)] == [3]


async def test_the_turn_before_it_is_what_a_turn_undoes(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log, undo=True)
    await wait_in_line(log)
    await wait_in_line(log, undo=True)
    assert [(turn.number, turn.undo) for turn in await log.queued(KEY)] == [(2, 1), (3, None), (4, 3)]
    await holder.settle()
    await wait_in_line(log, undo=True)
    assert (await log.queued(KEY))[-1].undo == 4


async def test_a_missing_session_has_no_queue(log: SessionLog) -> None:
    for work in (log.queued(KEY), log.begin_next(KEY, LEASE_MS, WINDOW), log.begin(KEY, a_turn(wait=True), WINDOW)):
        with pytest.raises(SessionNotFound):
            await work
