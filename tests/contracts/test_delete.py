"""Delete erases everything the session owned, and nothing that somebody else still needs."""

from itertools import permutations

import pytest

from sessionful.domain.error import SessionNotFound
from sessionful.domain.session import Position
from sessionful.ports import SessionLog
from tests.contracts.samples import FIRST, KEY, a_key, a_session, an_entry, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_turn


async def test_a_deleted_session_is_gone_with_all_it_owned(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(metadata={"m": 1}, turns=1, last=FIRST), [an_entry("before")])
    await log.insert(KEY, an_entry("by hand"))
    for number in range(5):
        writer = await begin(log, text=f"turn {number}", idempotency_key=str(number))
        await writer.append()
        await writer.settle()
    assert await opened.raw_count() > clean
    await log.delete(KEY)
    assert await opened.raw_count() == clean
    with pytest.raises(SessionNotFound):
        await log.get(KEY)
    assert await log.find("ada", "trip", ["guide"]) == []
    assert (await log.list_sessions("ada", ["guide"], 10)).sessions == []


async def test_the_same_id_starts_empty(log: SessionLog) -> None:
    for _ in range(3):
        made = await log.create(a_session())
        assert await log.get(KEY) == made
        assert await log.read(made, 10) == []
        writer = await begin(log)
        assert (writer.lease.turn, writer.lease.epoch, writer.past) == (1, 1, [])
        await writer.settle()
        await log.delete(KEY)


async def test_there_is_nothing_to_delete_twice(log: SessionLog) -> None:
    await log.create(a_session())
    await log.delete(KEY)
    with pytest.raises(SessionNotFound):
        await log.delete(KEY)


async def test_what_forks_share_is_out_of_sight_once_its_session_is_gone(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "shared")
    await log.fork(KEY, None, a_session(a_key("child")))
    await log.delete(KEY)
    with pytest.raises(SessionNotFound):
        await log.get(KEY)
    assert [s.key.id for s in (await log.list_sessions("ada", ["guide"], 10)).sessions] == ["child"]
    made = await log.create(a_session())
    assert await log.read(made, 10) == []
    await take_turn(log, KEY, "other")
    assert texts(await log.read(await log.get(a_key("child")), 10)) == ["shared", "done"]


async def test_a_fork_taken_during_a_turn_outlives_its_parent(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    writer = await begin(log)
    await writer.append("a")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await log.delete(KEY)
    assert texts(await log.read(child, 10)) == ["hello", "a"]
    await log.delete(a_key("child"))
    assert await opened.raw_count() == clean


async def test_a_deleted_fork_takes_nothing_from_its_parent(opened: Opened) -> None:
    log = opened.log
    await log.create(a_session())
    await take_turn(log, KEY, "one")
    before = await opened.raw_count()
    await log.fork(KEY, None, a_session(a_key("child")))
    await take_turn(log, a_key("child"), "two")
    await log.delete(a_key("child"))
    assert await opened.raw_count() == before
    assert texts(await log.read(await log.get(KEY), 10)) == ["one", "done"]
    await log.fork(KEY, None, a_session(a_key("child")))
    assert texts(await log.read(await log.get(a_key("child")), 10)) == ["one", "done"]


@pytest.mark.parametrize("order", list(permutations(["root", "middle", "leaf"])))
async def test_a_lineage_can_be_deleted_in_any_order(opened: Opened, order: tuple[str, ...]) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session(a_key("root")))
    await take_turn(log, a_key("root"), "one", "a", "b")
    await log.fork(a_key("root"), Position(1, 1), a_session(a_key("middle")))
    await take_turn(log, a_key("middle"), "two", "c", "d")
    await log.fork(a_key("middle"), Position(2, 1), a_session(a_key("leaf")))
    await take_turn(log, a_key("leaf"), "three", "e")
    told = {
        "root": ["one", "a", "b"],
        "middle": ["one", "a", "two", "c", "d"],
        "leaf": ["one", "a", "two", "c", "three", "e"],
    }
    for id in order:
        await log.delete(a_key(id))
        del told[id]
        for other, expected in told.items():
            assert texts(await log.read(await log.get(a_key(other)), 10)) == expected
    assert await opened.raw_count() == clean


async def test_a_cleared_fork_leaves_nothing_behind(opened: Opened) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await take_turn(log)
    await log.fork(KEY, None, a_session(a_key("child")))
    await log.rebase(a_key("child"), (), 0)
    await log.delete(KEY)
    await log.delete(a_key("child"))
    assert await opened.raw_count() == clean
