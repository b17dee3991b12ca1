"""Forks share a past and nothing else: no entry is copied, and neither side notices the other."""

import pytest

from sessionful.domain.error import InvalidRequest, SessionExists, SessionExpired, SessionNotFound
from sessionful.domain.session import Parent, Position, Segment, Session
from sessionful.domain.usage import Usage
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, STEP_USAGE, a_key, a_session, places, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_turn

CHILD = a_key("child")


async def a_parent(log: SessionLog) -> Session:
    await log.create(a_session())
    await take_turn(log, KEY, "one", "a", "b", "c")
    return await take_turn(log, KEY, "two", "d", "e")


async def told(log: SessionLog, id: str = "trip") -> str:
    return " ".join(texts(await log.read(await log.get(a_key(id)), 100)))


async def test_a_fork_at_the_end_sees_all_and_goes_on(log: SessionLog) -> None:
    parent = await a_parent(log)
    given = a_session(CHILD, at=NOON + 3, title="copy", timeout=60, metadata={"m": 1}, system="Be brief.")
    child = await log.fork(KEY, None, given)
    at = Position(2, 2)
    expected = {
        "past": (Segment(log=parent.log, after_turn=0, upto=at),),
        "parent": Parent(session_id="trip", at=at),
        "turns": 2,
        "own_after": 2,
        "last": at,
        "message_count": parent.message_count,
        "usage": parent.usage,
    }
    assert child == given.model_copy(update=expected)
    assert await log.get(CHILD) == child
    assert await log.get(KEY) == parent
    assert await log.read(child, 100) == await log.read(parent, 100)
    writer = await begin(log, CHILD, "three")
    assert writer.lease.turn == 3
    assert places(writer.past) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    head = await writer.settle("f")
    assert head.message_count == parent.message_count + 2
    assert head.usage == parent.usage + STEP_USAGE
    assert await told(log, "child") == "one a b c two d e three f"


@pytest.mark.parametrize(
    ("at", "past", "count"), [((1, 2), "one a b", 3), ((1, 3), "one a b c", 4), ((2, 1), "one a b c two d", 6)]
)
async def test_a_fork_at_a_step_sees_the_past_up_to_it(
    log: SessionLog, at: tuple[int, int], past: str, count: int
) -> None:
    await a_parent(log)
    child = await log.fork(KEY, Position(*at), a_session(CHILD))
    assert child.parent == Parent(session_id="trip", at=Position(*at))
    assert (child.message_count, child.last, child.turns) == (count, at, at[0])
    steps = len(await log.read(child, 100))
    assert child.usage == Usage(
        input_tokens=10 * steps, output_tokens=3 * steps, cached_tokens=2 * steps, cache_write_tokens=steps
    )
    assert await told(log, "child") == past
    await take_turn(log, CHILD, "then", "z")
    assert await told(log, "child") == f"{past} then z"
    assert await told(log) == "one a b c two d e"


async def test_the_window_of_a_forks_first_turn_reaches_into_the_parent(log: SessionLog) -> None:
    await a_parent(log)
    await log.fork(KEY, Position(2, 1), a_session(CHILD))
    await take_turn(log, CHILD, "three", "x")
    writer = await begin(log, CHILD)
    assert places(writer.past) == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]


async def test_parent_and_fork_go_separate_ways(log: SessionLog) -> None:
    await a_parent(log)
    await log.fork(KEY, None, a_session(CHILD))
    await take_turn(log, KEY, "left", "l")
    await take_turn(log, CHILD, "right", "r")
    await take_turn(log, KEY, "left", "again")
    assert await told(log) == "one a b c two d e left l left again"
    assert await told(log, "child") == "one a b c two d e right r"
    assert texts(await log.turn(await log.get(KEY), 3)) == ["left", "l"]
    assert texts(await log.turn(await log.get(CHILD), 3)) == ["right", "r"]


async def test_a_fork_in_the_middle_of_a_running_turn_ends_at_its_last_stored_step(log: SessionLog) -> None:
    await a_parent(log)
    writer = await begin(log, text="three")
    early = await log.fork(KEY, None, a_session(a_key("early")))
    assert (early.last, early.running) == ((2, 2), None)
    await writer.append("f")
    late = await log.fork(KEY, None, a_session(a_key("late")))
    assert (late.last, late.turns, late.running) == ((3, 1), 3, None)
    await writer.settle("g")
    assert (await begin(log, a_key("early"), "three")).lease.turn == 3
    assert (await begin(log, a_key("late"), "four")).lease.turn == 4
    assert await told(log, "early") == "one a b c two d e"
    assert await told(log, "late") == "one a b c two d e three f"


async def test_forks_of_forks_see_every_generation(log: SessionLog) -> None:
    await a_parent(log)
    await log.fork(KEY, Position(2, 1), a_session(a_key("g1")))
    await take_turn(log, a_key("g1"), "three", "f", "g")
    await take_turn(log, a_key("g1"), "four", "h")
    await log.fork(a_key("g1"), Position(3, 1), a_session(a_key("g2")))
    await take_turn(log, a_key("g2"), "five", "i")
    g3 = await log.fork(a_key("g2"), None, a_session(a_key("g3")))
    await take_turn(log, a_key("g3"), "six", "j")
    assert g3.parent == Parent(session_id="g2", at=Position(4, 1))
    assert await told(log, "g1") == "one a b c two d three f g four h"
    assert await told(log, "g2") == "one a b c two d three f five i"
    assert await told(log, "g3") == "one a b c two d three f five i six j"
    back = await log.fork(a_key("g3"), Position(1, 3), a_session(a_key("back")))
    assert (await told(log, "back"), len(back.past), back.turns) == ("one a b c", 1, 1)
    middle = await log.fork(a_key("g3"), Position(3, 1), a_session(a_key("middle")))
    assert (await told(log, "middle"), len(middle.past)) == ("one a b c two d three f", 2)


async def test_a_fork_that_has_not_spoken_can_be_forked(log: SessionLog) -> None:
    parent = await a_parent(log)
    await log.fork(KEY, None, a_session(CHILD))
    grandchild = await log.fork(CHILD, None, a_session(a_key("grandchild")))
    assert grandchild.parent == Parent(session_id="child", at=Position(2, 2))
    assert (grandchild.message_count, grandchild.usage) == (parent.message_count, parent.usage)
    assert await told(log, "grandchild") == "one a b c two d e"


async def test_a_fork_of_an_empty_session_is_empty(log: SessionLog) -> None:
    await log.create(a_session())
    child = await log.fork(KEY, None, a_session(CHILD))
    assert (child.past, child.turns, child.last) == ((), 0, (0, 0))
    assert child.parent == Parent(session_id="trip", at=Position(0, 0))
    await take_turn(log, KEY, "left")
    assert (await begin(log, CHILD, "right")).lease.turn == 1
    assert await told(log, "child") == ""


async def test_many_forks_of_one_place_are_independent(log: SessionLog) -> None:
    await a_parent(log)
    for number in range(5):
        await log.fork(KEY, Position(1, 2), a_session(a_key(f"c{number}")))
    for number in range(5):
        await take_turn(log, a_key(f"c{number}"), f"mine {number}", "ok")
    for number in range(5):
        assert await told(log, f"c{number}") == f"one a b mine {number} ok"


@pytest.mark.parametrize("at", [(1, 4), (3, 1), (9, 9), (1, 0)])
async def test_there_is_no_fork_where_there_is_no_entry(opened: Opened, at: tuple[int, int]) -> None:
    log = opened.log
    await a_parent(log)
    before = await opened.raw_count()
    with pytest.raises(InvalidRequest):
        await log.fork(KEY, Position(*at), a_session(CHILD))
    with pytest.raises(SessionNotFound):
        await log.get(CHILD)
    assert await opened.raw_count() == before


async def test_there_is_no_fork_at_a_place_the_session_does_not_see(log: SessionLog) -> None:
    await a_parent(log)
    await log.fork(KEY, Position(1, 2), a_session(CHILD))
    await take_turn(log, CHILD, "mine")
    for at in ((1, 3), (2, 2)):
        with pytest.raises(InvalidRequest):
            await log.fork(CHILD, Position(*at), a_session(a_key("grandchild")))
    await log.rebase(KEY, (), 0)
    with pytest.raises(InvalidRequest):
        await log.fork(KEY, Position(1, 1), a_session(a_key("grandchild")))


async def test_a_fork_does_not_take_the_place_of_a_living_session(opened: Opened) -> None:
    log = opened.log
    parent = await a_parent(log)
    holder = await log.create(a_session(CHILD, title="mine"))
    before = await opened.raw_count()
    with pytest.raises(SessionExists):
        await log.fork(KEY, None, a_session(CHILD))
    with pytest.raises(SessionExists):
        await log.fork(KEY, None, a_session(KEY))
    assert (await log.get(CHILD), await log.get(KEY)) == (holder, parent)
    assert await opened.raw_count() == before


async def test_a_fork_does_not_take_the_place_of_its_own_parent(log: SessionLog) -> None:
    parent = await a_parent(log)
    child = await log.fork(KEY, None, a_session(CHILD))
    with pytest.raises(SessionExists):
        await log.fork(CHILD, None, a_session(KEY))
    assert (await log.get(KEY), await log.get(CHILD)) == (parent, child)


async def test_a_missing_and_an_expired_session_cannot_be_forked(log: SessionLog, clock: ManualClock) -> None:
    with pytest.raises(SessionNotFound):
        await log.fork(KEY, None, a_session(CHILD))
    await log.create(a_session(timeout=1))
    clock.advance(1000)
    with pytest.raises(SessionExpired):
        await log.fork(KEY, None, a_session(CHILD))


async def test_a_fork_copies_no_entry(opened: Opened) -> None:
    log = opened.log
    await log.create(a_session())
    grown = []
    for turns in (1, 30):
        for _ in range(turns):
            await take_turn(log)
        before = await opened.raw_count()
        await log.fork(KEY, None, a_session(a_key(f"after {turns}")))
        grown.append(await opened.raw_count() - before)
    assert grown[0] == grown[1] <= 4
