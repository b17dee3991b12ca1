"""Sessions that are made, changed, forked and deleted at the same moment."""

import asyncio

import pytest

from sessionful.domain.error import SessionExists, SessionNotFound, VersionConflict
from sessionful.domain.session import SessionChange, SessionKey
from sessionful.ports import SessionLog
from tests.contracts.clock import ManualClock
from tests.contracts.races import CROWD, kinds, outcomes
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, noise, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import Writer, begin, take_turn, wait_in_line


async def test_one_of_many_makes_the_session(log: SessionLog) -> None:
    told = await outcomes([log.create(a_session(title=str(number))) for number in range(CROWD)])
    assert kinds(told) == {"Session": 1, "SessionExists": CROWD - 1}
    assert await log.get(KEY) in told


async def test_one_of_many_replaces_an_expired_session(opened: Opened, clock: ManualClock) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(timeout=1))
    await take_turn(log)
    clock.advance(1000)
    told = await outcomes([log.create(a_session(at=clock(), title=str(number))) for number in range(8)])
    assert kinds(told) == {"Session": 1, "SessionExists": 7}
    assert await log.get(KEY) in told
    assert await log.read(await log.get(KEY), 10) == []
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_one_of_many_makes_the_fork(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await take_turn(log)
    told = await outcomes([log.fork(KEY, None, a_session(a_key("child"))) for _ in range(8)])
    assert kinds(told) == {"Session": 1, "SessionExists": 7}
    assert sum(isinstance(one, SessionExists) for one in told) == 7
    await log.delete(a_key("child"))
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_one_of_many_changes_with_the_same_version_is_made(log: SessionLog) -> None:
    made = await log.create(a_session())
    changes = [log.change(KEY, SessionChange(title=str(n)), if_version=made.version) for n in range(8)]
    told = await outcomes(changes)
    assert kinds(told) == {"Session": 1, "VersionConflict": 7}
    assert sum(isinstance(one, VersionConflict) for one in told) == 7
    assert await log.get(KEY) in told


async def test_changes_without_a_version_all_count(log: SessionLog) -> None:
    await log.create(a_session())
    told = await outcomes([log.change(KEY, SessionChange(title=str(n))) for n in range(8)])
    assert kinds(told) == {"Session": 8}
    assert (await log.get(KEY)).version == 9


async def test_a_session_deleted_during_its_turn_is_gone_for_good(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    for _ in range(5):
        await log.create(a_session())
        writer = await begin(log, idempotency_key="once")

        async def write(writer: Writer = writer) -> None:
            while True:
                await writer.append()
                await asyncio.sleep(0)

        told = await outcomes([write(), log.delete(KEY)])
        assert kinds(told) == {"LeaseLost": 1, "NoneType": 1}
        assert await opened.raw_count() == clean


@pytest.mark.parametrize("size", [10, 900, 400_000])
async def test_a_session_deleted_while_its_turn_tells_is_gone_for_good(opened: Opened, size: int) -> None:
    log = opened.log
    clean = await opened.raw_count()
    for _ in range(4):
        await log.create(a_session())
        writer = await begin(log)
        await writer.flush(noise(size))

        async def tell(writer: Writer = writer) -> None:
            while True:
                await writer.flush(noise(size, writer.told))
                await asyncio.sleep(0)

        told = await outcomes([tell(), log.delete(KEY)])
        assert kinds(told) == {"LeaseLost": 1, "NoneType": 1}
        assert await opened.raw_count() == clean


async def test_a_session_deleted_while_turns_come_and_go_is_gone_for_good(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    for _ in range(4):
        await log.create(a_session())
        holder = await begin(log)
        await wait_in_line(log)
        await holder.settle()
        join = [log.begin(KEY, a_turn(noise(30_000), wait=True, idempotency_key=str(n)), WINDOW) for n in range(3)]
        told = await outcomes([*join, log.begin_next(KEY, LEASE_MS, WINDOW), log.delete(KEY)])
        assert told[-1] is None
        assert set(kinds(told[:-1])) <= {"Queued", "Admitted", "SessionNotFound"}
        assert await opened.raw_count() == clean


async def test_one_of_many_deletes(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await take_turn(log)
    told = await outcomes([log.delete(KEY) for _ in range(6)])
    assert kinds(told) == {"NoneType": 1, "SessionNotFound": 5}
    assert sum(isinstance(one, SessionNotFound) for one in told) == 5
    assert await opened.raw_count() == clean


async def test_a_fork_that_races_with_the_end_of_its_parent_has_its_past_or_is_not_made(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    for _ in range(6):
        await log.create(a_session())
        await take_turn(log, KEY, "one", "a", "b")
        told = await outcomes([log.fork(KEY, None, a_session(a_key("child"))), log.delete(KEY)])
        if isinstance(told[0], SessionNotFound):
            assert await log.find("ada", "child", ["guide"]) == []
        else:
            assert texts(await log.read(await log.get(a_key("child")), 10)) == ["one", "a", "b"]
            await log.delete(a_key("child"))
        assert await opened.raw_count() == clean


async def test_parent_and_fork_deleted_at_once_leave_nothing(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    for _ in range(6):
        await log.create(a_session())
        await take_turn(log)
        forks = [a_key(f"child {number}") for number in range(3)]
        for fork in forks:
            await log.fork(KEY, None, a_session(fork))
        await asyncio.gather(*(log.delete(key) for key in [KEY, *forks]))
        assert await opened.raw_count() == clean


async def test_sessions_do_not_hinder_one_another(log: SessionLog) -> None:
    keys = [a_key(f"s{number}") for number in range(8)]

    async def live(key: SessionKey) -> int:
        await log.create(a_session(key))
        for _ in range(3):
            head = await take_turn(log, key)
        return head.turns

    assert await asyncio.gather(*map(live, keys)) == [3] * 8


async def test_a_store_serves_several_event_loops(log: SessionLog) -> None:
    await log.create(a_session())

    def elsewhere(number: int) -> None:
        asyncio.run(live(number))

    async def live(number: int) -> None:
        key = a_key(f"s{number}")
        await log.create(a_session(key))
        await take_turn(log, key, "hello", "a", "b")
        assert texts(await log.read(await log.get(key), 10)) == ["hello", "a", "b"]

    await asyncio.gather(
        *(asyncio.to_thread(elsewhere, number) for number in range(4)),
        take_turn(log),
    )
    assert len((await log.list_sessions("ada", ["guide"], 10)).sessions) == 5
