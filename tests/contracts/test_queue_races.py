"""Turns that wait and race: none is lost, none runs twice, and they keep their order."""

import asyncio

from sessionful.domain.error import SessionBusy
from sessionful.domain.identity import turn_number
from sessionful.domain.turn import Admitted, Attached, Queued
from sessionful.ports import SessionLog
from tests.contracts.races import CROWD, kinds, outcomes
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, places, texts
from tests.contracts.writer import Writer, begin, begin_next, wait_in_line


async def work_off(log: SessionLog, turns: int) -> list[int]:
    """Admits whoever waits until that many turns are over; the numbers in the order they came."""
    served: list[int] = []
    for _ in range(2_000):
        head = await log.get(KEY)
        if head.turns >= turns and head.running is None and not head.queued:
            return served
        admitted = await log.begin_next(KEY, LEASE_MS, WINDOW)
        if admitted is None:
            await asyncio.sleep(0.005)
            continue
        served.append(admitted.lease.turn)
        await Writer(log, admitted.lease, admitted.session).settle()
    raise AssertionError(f"the queue was not worked off: {await log.get(KEY)}")


async def test_all_of_many_messages_are_taken_and_keep_their_order(log: SessionLog) -> None:
    await log.create(a_session())
    told = await outcomes([log.begin(KEY, a_turn(str(n), wait=True), WINDOW) for n in range(CROWD)])
    assert kinds(told) == {"Admitted": 1, "Queued": CROWD - 1}
    (first,) = [one for one in told if isinstance(one, Admitted)]
    numbers = {n: turn_number(one.turn_id) for n, one in enumerate(told) if isinstance(one, Queued)}
    assert set(numbers.values()) == set(range(2, CROWD + 1))
    head, waiting = await log.get(KEY), await log.queued(KEY)
    assert (first.lease.turn, head.turns, head.queued) == (1, CROWD, CROWD - 1)
    assert [turn.number for turn in waiting] == list(range(2, CROWD + 1))
    assert {int(turn.message.text): turn.number for turn in waiting} == numbers
    await Writer(log, first.lease, first.session).settle()
    assert await work_off(log, CROWD) == list(range(2, CROWD + 1))
    entries = await log.read(await log.get(KEY), 100)
    assert places(entries) == [(number, 1) for number in range(1, CROWD + 1)]
    assert sorted(int(text) for text in texts(entries)[::2]) == list(range(CROWD))


async def test_the_next_turn_goes_to_one_of_many(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    for number in range(2, 5):
        await wait_in_line(log, text=str(number))
    await holder.settle()
    for number in range(2, 5):
        told = await outcomes([log.begin_next(KEY, LEASE_MS, WINDOW) for _ in range(CROWD)])
        admitted = [one for one in told if isinstance(one, Admitted)]
        assert [one.lease.turn for one in admitted] == [number]
        assert kinds(told) == {"Admitted": 1, "NoneType": CROWD - 1}
        head = await log.get(KEY)
        assert head == admitted[0].session
        await Writer(log, admitted[0].lease, head).settle()


async def test_several_workers_and_a_crowd_lose_nothing_and_do_nothing_twice(log: SessionLog) -> None:
    await log.create(a_session())

    async def client(text: str) -> list[int]:
        answer = await log.begin(KEY, a_turn(text, wait=True), WINDOW)
        if not isinstance(answer, Admitted):
            return []
        await Writer(log, answer.lease, answer.session).settle()
        return [answer.lease.turn]

    clients = [client(str(number)) for number in range(CROWD)]
    served = await asyncio.gather(*clients, *(work_off(log, CROWD) for _ in range(3)))
    assert sorted(number for some in served for number in some) == list(range(1, CROWD + 1))
    entries = await log.read(await log.get(KEY), 100)
    assert places(entries) == [(number, 1) for number in range(1, CROWD + 1)]
    assert sorted(int(text) for text in texts(entries)[::2]) == list(range(CROWD))


async def test_equal_requests_that_wait_are_queued_once(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)

    async def knock() -> Admitted | Attached | Queued:
        return await log.begin(KEY, a_turn(idempotency_key="once", request_hash="h", wait=True), WINDOW)

    told = await outcomes([knock() for _ in range(CROWD)])
    assert kinds(told) == {"Queued": 1, "Attached": CROWD - 1}
    assert len({one.turn_id for one in told if isinstance(one, Queued | Attached)}) == 1
    assert [waiting.number for waiting in await log.queued(KEY)] == [2]
    await holder.settle()
    *late, served = await asyncio.gather(*(knock() for _ in range(5)), work_off(log, 2))
    assert (kinds(late), served) == ({"Attached": 5}, [2])
    assert (await log.get(KEY)).turns == 2


async def test_a_message_that_comes_as_the_last_turn_ends_is_not_forgotten(log: SessionLog) -> None:
    for number in range(8):
        key = a_key(f"s{number}")
        await log.create(a_session(key))
        holder = await begin(log, key)
        answer, _ = await asyncio.gather(log.begin(key, a_turn("late", wait=True), WINDOW), holder.settle())
        head = await log.get(key)
        if isinstance(answer, Admitted):
            assert (head.running and head.running.number, head.queued) == (2, 0)
        else:
            assert (head.running, head.queued) == (None, 1)
            assert (await begin_next(log, key)).lease.turn == 2


async def test_an_impatient_message_does_not_overtake_a_patient_one(log: SessionLog) -> None:
    for number in range(8):
        key = a_key(f"s{number}")
        await log.create(a_session(key))
        holder = await begin(log, key)
        await wait_in_line(log, key)
        told = await outcomes(
            [holder.settle(), log.begin(key, a_turn("impatient"), WINDOW), log.begin_next(key, LEASE_MS, WINDOW)]
        )
        assert isinstance(told[1], SessionBusy)
        head = await log.get(key)
        assert head.turns == 2
        if told[2] is None:
            assert (head.running, head.queued) == (None, 1)
        else:
            assert (head.running and head.running.number, head.queued) == (2, 0)


async def test_a_withdrawal_is_not_lost_to_the_admission_it_races_with(log: SessionLog) -> None:
    for number in range(8):
        key = a_key(f"s{number}")
        await log.create(a_session(key))
        holder = await begin(log, key)
        await wait_in_line(log, key)
        await holder.settle()
        admitted, _ = await asyncio.gather(log.begin_next(key, LEASE_MS, WINDOW), log.ask_cancel(key, 2))
        assert admitted is not None
        assert await log.flush(admitted.lease, None, holder.session.updated_at + 90_000) is True


async def test_a_past_that_is_set_as_the_next_turn_begins_is_set_before_it_or_not_at_all(log: SessionLog) -> None:
    for number in range(8):
        key = a_key(f"s{number}")
        await log.create(a_session(key))
        holder = await begin(log, key, "old")
        await wait_in_line(log, key, "new")
        await holder.settle("old")
        admitted, cleared = await outcomes([log.begin_next(key, LEASE_MS, WINDOW), log.rebase(key, (), 0)])
        assert isinstance(admitted, Admitted)
        hidden = not isinstance(cleared, SessionBusy)
        assert texts(admitted.past) == ([] if hidden else ["old", "old"])
        head = await Writer(log, admitted.lease, admitted.session).settle("done")
        assert texts(await log.read(head, 10)) == ([] if hidden else ["old", "old"]) + ["new", "done"]
