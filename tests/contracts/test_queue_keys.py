"""Turns that wait are admitted once for each key, and can be withdrawn."""

import pytest

from sessionful.domain.error import IdempotencyConflict
from sessionful.domain.session import SessionChange
from sessionful.domain.turn import Attached, NewTurn
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON
from tests.contracts.samples import KEY, WINDOW, a_key, a_session, a_turn
from tests.contracts.writer import Writer, begin, begin_next, take_turn, wait_in_line


def again(request_hash: str = "same", wait: bool = True) -> NewTurn:
    return a_turn("later", idempotency_key="once", request_hash=request_hash, wait=wait)


async def waiting_once(log: SessionLog) -> tuple[Writer, str]:
    await log.create(a_session())
    holder = await begin(log)
    queued = await wait_in_line(log, idempotency_key="once", request_hash="same")
    return holder, queued.turn_id


@pytest.mark.parametrize("wait", [True, False])
async def test_a_key_attaches_to_its_turn_wherever_that_is(log: SessionLog, wait: bool) -> None:
    holder, turn_id = await waiting_once(log)

    async def attached() -> None:
        assert await log.begin(KEY, again(wait=wait), WINDOW) == Attached(await log.get(KEY), turn_id)
        assert await log.turn_for(KEY, "once") == turn_id

    await attached()
    await wait_in_line(log)
    await attached()
    await holder.settle()
    await attached()
    writer = await begin_next(log)
    await attached()
    await writer.settle()
    await attached()
    await log.change(KEY, SessionChange(ended_at=NOON))
    await attached()
    assert (await log.get(KEY)).turns == 3


async def test_the_key_of_a_turn_that_runs_attaches_whoever_is_ready_to_wait(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log, idempotency_key="once", request_hash="same")
    assert writer.session.running is not None
    assert await log.begin(KEY, again(), WINDOW) == Attached(writer.session, writer.session.running.turn_id)
    assert await log.queued(KEY) == []


async def test_a_key_that_waits_is_not_used_for_another_request(log: SessionLog) -> None:
    holder, _ = await waiting_once(log)
    for wait in (True, False):
        with pytest.raises(IdempotencyConflict):
            await log.begin(KEY, again("other", wait), WINDOW)
    await holder.settle()
    await begin_next(log)
    before = await log.get(KEY)
    with pytest.raises(IdempotencyConflict):
        await log.begin(KEY, again("other"), WINDOW)
    assert await log.get(KEY) == before


async def test_a_fork_has_not_used_the_keys_that_wait(log: SessionLog) -> None:
    await waiting_once(log)
    await log.fork(KEY, None, a_session(a_key("child")))
    assert await log.turn_for(a_key("child"), "once") is None
    assert (await begin(log, a_key("child"), idempotency_key="once", request_hash="other")).lease.turn == 1


async def test_a_withdrawn_turn_is_admitted_to_be_cancelled(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    await wait_in_line(log)
    before = await log.get(KEY)
    await log.ask_cancel(KEY, 2)
    assert await log.get(KEY) == before
    assert [(turn.number, turn.cancel_asked) for turn in await log.queued(KEY)] == [(2, True), (3, False)]
    assert await holder.flush() is False
    await holder.settle()
    withdrawn = await begin_next(log)
    assert withdrawn.session.running is not None
    assert (withdrawn.lease.turn, withdrawn.session.running.cancel_asked) == (2, True)
    assert await withdrawn.flush() is True
    await withdrawn.settle()
    kept = await begin_next(log)
    assert kept.session.running is not None
    assert (kept.lease.turn, kept.session.running.cancel_asked) == (3, False)
    assert await kept.flush() is False


async def test_a_turn_can_be_withdrawn_twice_and_by_its_number_alone(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log)
    holder = await begin(log)
    await wait_in_line(log)
    for number in (1, 4, 0):
        await log.ask_cancel(KEY, number)
    assert [turn.cancel_asked for turn in await log.queued(KEY)] == [False]
    assert await holder.flush() is False
    for _ in range(2):
        await log.ask_cancel(KEY, 3)
    assert [turn.cancel_asked for turn in await log.queued(KEY)] == [True]


async def test_the_word_for_the_holder_does_not_reach_those_who_wait(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    await log.ask_cancel(KEY, 1)
    assert await holder.flush() is True
    assert [turn.cancel_asked for turn in await log.queued(KEY)] == [False]
    await holder.settle()
    assert await (await begin_next(log)).flush() is False
