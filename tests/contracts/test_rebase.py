"""Rebase: another visible past, in one write and without touching an entry. With none at all it clears."""

import pytest

from sessionful.domain.error import SessionBusy, SessionExpired, VersionConflict
from sessionful.domain.session import Position, Segment
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, a_key, a_session, places, texts
from tests.contracts.writer import begin, begin_next, take_turn, wait_in_line


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


async def test_a_state_given_with_a_past_becomes_the_state(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    before = await take_turn(log)
    back = await log.rebase(KEY, (), 0, state={"n": 2})
    moved = {"own_after": 1, "message_count": 0, "state": {"n": 2}, "state_moved": True, "version": before.version + 1}
    assert back == before.model_copy(update=moved)
    assert await log.get(KEY) == back
    (entry,) = await log.read(await take_turn(log), 10)
    assert (entry.position, entry.state, entry.state_at) == ((2, 1), {"n": 2}, None)


async def test_an_empty_state_given_with_a_past_becomes_the_state(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}))
    back = await log.rebase(KEY, (), 0, state={})
    assert (back.state, back.state_moved) == ({}, True)


async def test_a_past_without_a_state_leaves_the_state_alone(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    await take_turn(log)
    back = await log.rebase(KEY, (), 0)
    assert (back.state, back.state_at, back.state_moved) == ({"n": 1}, (1, 1), False)


async def test_a_past_is_set_only_in_the_version_it_was_meant_for(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}))
    before = await take_turn(log)
    with pytest.raises(VersionConflict):
        await log.rebase(KEY, (), 0, state={"n": 2}, if_version=before.version - 1)
    assert await log.get(KEY) == before
    back = await log.rebase(KEY, (), 0, if_version=before.version)
    assert (back.message_count, back.version) == (0, before.version + 1)


async def test_a_past_can_be_set_while_turns_wait_and_they_follow_it(log: SessionLog) -> None:
    made = await log.create(a_session())
    await take_turn(log, KEY, "one")
    holder = await begin(log, text="two")
    await wait_in_line(log, text="three")
    await wait_in_line(log, text="four")
    before = await holder.settle()
    back = await log.rebase(KEY, [Segment(log=made.log, upto=Position(1, 1))], 2)
    assert (back.own_after, back.last, back.turns, back.queued) == (2, (2, 1), 4, 2)
    assert back.version == before.version + 1
    assert [turn.number for turn in await log.queued(KEY)] == [3, 4]
    third = await begin_next(log)
    assert texts(third.past) == ["one", "done"]
    head = await third.settle()
    assert (head.message_count, texts(await log.read(head, 10))) == (4, ["one", "done", "three", "done"])
    again = await log.rebase(KEY, (), 0)
    assert again.own_after == 3
    head = await (await begin_next(log)).settle()
    assert texts(await log.read(head, 10)) == ["four", "done"]
    assert places(await log.turn(head, 4)) == [(4, 1)]


async def test_a_past_is_not_set_while_a_turn_that_waited_runs(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    with pytest.raises(SessionBusy):
        await log.rebase(KEY, (), 0)
    await holder.settle()
    following = await begin_next(log)
    with pytest.raises(SessionBusy):
        await log.rebase(KEY, (), 0)
    assert await log.get(KEY) == following.session
