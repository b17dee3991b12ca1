"""Turns that race: one is admitted, one writes, and the others are told so."""

import asyncio

from sessionful.domain.error import LeaseLost, SessionBusy
from sessionful.domain.session import SessionChange, SessionKey
from sessionful.domain.turn import Admitted, Attached, Taken
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.races import CROWD, kinds, outcomes
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, places, texts
from tests.contracts.writer import Writer, begin, take_over, take_turn


async def test_one_of_many_messages_is_admitted(log: SessionLog) -> None:
    await log.create(a_session())
    told = await outcomes([log.begin(KEY, a_turn(str(number)), WINDOW) for number in range(CROWD)])
    assert kinds(told) == {"Admitted": 1, "SessionBusy": CROWD - 1}
    (admitted,) = [one for one in told if isinstance(one, Admitted)]
    assert await log.get(KEY) == admitted.session
    assert admitted.session.running is not None
    refusals = [one.details["turn_id"] for one in told if isinstance(one, SessionBusy)]
    assert set(refusals) == {admitted.session.running.turn_id}


async def test_one_of_many_messages_from_many_threads_is_admitted(log: SessionLog) -> None:
    await log.create(a_session())

    def knock(number: int) -> str:
        try:
            return type(asyncio.run(log.begin(KEY, a_turn(str(number)), WINDOW))).__name__
        except SessionBusy:
            return "refused"

    told = await asyncio.gather(*(asyncio.to_thread(knock, number) for number in range(8)))
    assert sorted(told) == ["Admitted", *["refused"] * 7]


async def test_one_of_many_equal_requests_is_admitted_and_the_others_attach(log: SessionLog) -> None:
    await log.create(a_session())
    turn = {"idempotency_key": "once", "request_hash": "h"}
    told = await outcomes([log.begin(KEY, a_turn(**turn), WINDOW) for _ in range(CROWD)])
    assert kinds(told) == {"Admitted": 1, "Attached": CROWD - 1}
    (admitted,) = [one for one in told if isinstance(one, Admitted)]
    assert admitted.session.running is not None
    attached = [one.turn_id for one in told if isinstance(one, Attached)]
    assert set(attached) == {admitted.session.running.turn_id}
    assert (await log.get(KEY)).turns == 1


async def test_retries_that_race_with_other_messages_start_one_turn_each(log: SessionLog) -> None:
    await log.create(a_session())

    async def client(number: int) -> str:
        while True:
            try:
                turn = a_turn(idempotency_key=f"key {number % 3}", request_hash=f"h{number % 3}")
                answer = await log.begin(KEY, turn, WINDOW)
            except SessionBusy:
                await asyncio.sleep(0.005)
                continue
            if isinstance(answer, Attached):
                return answer.turn_id
            assert isinstance(answer, Admitted)
            await Writer(log, answer.lease, answer.session).settle()
            assert answer.session.running is not None
            return answer.session.running.turn_id

    ids = await asyncio.gather(*(client(number) for number in range(9)))
    assert len(set(ids)) == 3
    assert (await log.get(KEY)).turns == 3
    assert all(ids[number] == ids[number % 3] for number in range(9))


async def test_turns_that_race_never_interleave(log: SessionLog) -> None:
    await log.create(a_session())

    async def client(name: str) -> None:
        while True:
            try:
                writer = await begin(log, text=name)
            except SessionBusy:
                await asyncio.sleep(0.005)
                continue
            await writer.append(name)
            await writer.settle(name)
            return

    names = [f"client {number}" for number in range(5)]
    await asyncio.gather(*map(client, names))
    entries = await log.read(await log.get(KEY), 100)
    assert places(entries) == [(turn, step) for turn in range(1, 6) for step in (1, 2)]
    told = texts(entries)
    assert [set(told[i : i + 3]) for i in range(0, 15, 3)] == [{told[i]} for i in range(0, 15, 3)]
    assert sorted(told[::3]) == names
    head = await log.get(KEY)
    assert (head.message_count, head.turns, head.running) == (15, 5, None)


async def test_one_of_many_takes_a_turn_over(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    clock.advance(LEASE_MS)
    told = await outcomes([log.take_over(KEY, clock() + LEASE_MS) for _ in range(CROWD)])
    taken = [one for one in told if one is not None]
    assert len(taken) == 1
    assert (await log.get(KEY)).epoch == old.lease.epoch + 1


async def test_an_old_and_a_new_writer_at_once_leave_one_history(log: SessionLog, clock: ManualClock) -> None:
    for number in range(5):
        key = a_key(f"s{number}")
        await log.create(a_session(key, at=clock()))
        old = await begin(log, key, "hello")
        clock.advance(LEASE_MS)

        async def rescue(key: SessionKey = key) -> Taken | None:
            return await log.take_over(key, clock() + LEASE_MS)

        late = old.entry("old")
        told = await outcomes([log.append(old.lease, late, clock() + LEASE_MS), rescue()])
        stored = texts(await log.read(await log.get(key), 10))
        if isinstance(told[0], LeaseLost):
            assert (told[1] is not None, stored) == (True, [])
        else:
            assert stored == ["hello", "old"]


async def test_changes_that_race_with_a_turn_lose_nothing(log: SessionLog) -> None:
    await log.create(a_session())

    async def turns() -> None:
        for number in range(4):
            await take_turn(log, KEY, f"turn {number}", "a", "b")

    async def changes() -> None:
        for number in range(8):
            await log.change(KEY, SessionChange(state={"n": number}))
            await asyncio.sleep(0)

    await asyncio.gather(turns(), changes())
    head = await log.get(KEY)
    assert (head.state, head.turns, head.last, head.message_count) == ({"n": 7}, 4, (4, 2), 12)
    assert len(await log.read(head, 100)) == 8


async def test_messages_put_in_at_once_are_all_kept(log: SessionLog) -> None:
    await log.create(a_session())
    told = await outcomes([log.insert(KEY, an_entry(str(number))) for number in range(8)])
    assert kinds(told) == {"Session": 8}
    head = await log.get(KEY)
    assert (head.turns, head.message_count) == (8, 8)
    entries = await log.read(head, 100)
    assert places(entries) == [(turn, 1) for turn in range(1, 9)]
    assert [entry.message_count for entry in entries] == list(range(1, 9))
    assert sorted(texts(entries)) == [str(number) for number in range(8)]


async def test_the_holder_prolongs_its_lease_while_it_writes(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)

    async def heartbeat() -> None:
        for beat in range(6):
            assert await log.flush(writer.lease, None, NOON + 100_000 + beat) is False

    async def steps() -> None:
        for number in range(6):
            await writer.append(str(number))

    await asyncio.gather(heartbeat(), steps())
    assert (await log.get(KEY)).last == (1, 6)
    await writer.settle()


async def test_a_wish_to_cancel_is_not_lost_to_a_step_that_is_written_meanwhile(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)

    async def steps() -> None:
        for number in range(4):
            await writer.append(str(number))

    await asyncio.gather(steps(), log.ask_cancel(KEY, 1))
    assert await log.flush(writer.lease, None, NOON + 100_000) is True


async def test_a_late_writer_that_races_with_the_rescue_of_its_turn_stops(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    old = await begin(log)
    clock.advance(LEASE_MS)
    new = await take_over(log)
    told = await outcomes([old.settle("old"), new.settle("new")])
    assert kinds(told) == {"LeaseLost": 1, "Session": 1}
    assert texts(await log.read(await log.get(KEY), 10)) == ["hello", "new"]
