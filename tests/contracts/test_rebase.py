"""Rebase: another visible past, in one write and without touching an entry. With none at all it clears."""

import pytest

from sessionful.domain.error import SessionBusy, SessionExpired
from sessionful.domain.session import Position, Segment
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_key, a_session, places, texts
from tests.contracts.writer import begin, take_turn


async def test_a_cleared_session_has_no_past_and_goes_on_counting(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "one", "a", "b")
    before = await take_turn(log, KEY, "two")
    clock.advance(5)
    cleared = await log.rebase(KEY, (), 0)
    expected = {"past": (), "own_after": 2, "message_count": 0, "version": before.version + 1}
    assert cleared == before.model_copy(update=expected)
    assert await log.get(KEY) == cleared
    assert await log.read(cleared, 10) == []
    assert await log.turn(cleared, 1) == []
    writer = await begin(log, text="three")
    assert (writer.lease.turn, writer.past) == (3, [])
    assert places(await log.read(await writer.settle(), 10)) == [(3, 1)]


async def test_a_session_goes_back_to_a_place_in_its_own_log(log: SessionLog) -> None:
    made = await log.create(a_session())
    for text in ("one", "two", "three"):
        await take_turn(log, KEY, text, "a", "b")
    back = await log.rebase(KEY, [Segment(log=made.log, upto=Position(2, 1))], 5)
    assert back.message_count == 5
    assert texts(await log.read(back, 10)) == ["one", "a", "b", "two", "a"]
    writer = await begin(log, text="instead")
    assert places(writer.past) == [(1, 1), (1, 2), (2, 1)]
    assert places(await log.read(await writer.settle(), 10)) == [(1, 1), (1, 2), (2, 1), (4, 1)]


async def test_a_session_goes_back_into_what_it_shares_with_its_parent(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "one")
    await take_turn(log, KEY, "two")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await take_turn(log, a_key("child"), "three")
    shorter = child.past[0].model_copy(update={"upto": Position(1, 1)})
    back = await log.rebase(a_key("child"), [shorter], 2)
    assert texts(await log.read(back, 10)) == ["one", "done"]
    assert texts(await log.read(await take_turn(log, a_key("child"), "four"), 10)) == ["one", "done", "four", "done"]


async def test_what_was_hidden_can_be_brought_back(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "one")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await log.rebase(a_key("child"), (), 0)
    await log.delete(KEY)
    back = await log.rebase(a_key("child"), child.past, 2)
    assert texts(await log.read(back, 10)) == ["one", "done"]


async def test_a_fork_of_a_cleared_session_is_empty(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log)
    await log.rebase(KEY, (), 0)
    child = await log.fork(KEY, None, a_session(a_key("child")))
    assert (child.message_count, child.past) == (0, ())
    assert await log.read(child, 10) == []


async def test_a_fork_taken_before_does_not_notice(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "one")
    child = await log.fork(KEY, None, a_session(a_key("child")))
    await log.rebase(KEY, (), 0)
    assert texts(await log.read(child, 10)) == ["one", "done"]


async def test_a_busy_session_keeps_its_past(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session())
    writer = await begin(log)
    with pytest.raises(SessionBusy):
        await log.rebase(KEY, (), 0)
    clock.advance(LEASE_MS)
    with pytest.raises(SessionBusy):
        await log.rebase(KEY, (), 0)
    assert await log.get(KEY) == writer.session


async def test_an_expired_session_keeps_its_past(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(timeout=1))
    clock.advance(NOON)
    with pytest.raises(SessionExpired):
        await log.rebase(KEY, (), 0)
