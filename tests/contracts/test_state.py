"""The state lies in the log where it changed: a turn's last entry holds it, or says which entry before it does."""

import pytest

from sessionful.domain.session import Position, Session, SessionChange
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog
from tests.contracts.odd_values import DEEP
from tests.contracts.samples import KEY, a_key, a_session, an_entry, bulk, noise
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, begin_next, take_turn, wait_in_line

Said = tuple[dict[str, object] | None, tuple[int, int] | None]


async def said(log: SessionLog, session: Session) -> list[Said]:
    """What each visible entry says of the state."""
    return [(entry.state, entry.state_at) for entry in await log.read(session, 100)]


async def test_a_session_without_state_says_nothing_of_it(log: SessionLog) -> None:
    await log.create(a_session())
    await take_turn(log, KEY, "hello", "a", "b")
    head = await log.insert(KEY, an_entry())
    assert (head.state_at, head.state_moved) == (None, False)
    assert await said(log, head) == [(None, None)] * 3


async def test_the_state_is_stored_with_the_turn_after_its_change_and_pointed_at_from_then_on(log: SessionLog) -> None:
    await log.create(a_session())
    changed = await log.change(KEY, SessionChange(state={"n": 1}))
    assert (changed.state_at, changed.state_moved) == (None, True)
    head = await take_turn(log, KEY, "one", "a", "b")
    assert (head.state, head.state_at, head.state_moved) == ({"n": 1}, (1, 2), False)
    assert await log.get(KEY) == head
    await take_turn(log, KEY, "two")
    await log.insert(KEY, an_entry())
    changed = await log.change(KEY, SessionChange(state={"n": 2}))
    assert (changed.state_at, changed.state_moved) == ((1, 2), True)
    head = await take_turn(log, KEY, "four")
    assert (head.state_at, head.state_moved) == ((4, 1), False)
    head = await take_turn(log, KEY, "five")
    assert await said(log, head) == [
        (None, None),
        ({"n": 1}, None),
        (None, (1, 2)),
        (None, (1, 2)),
        ({"n": 2}, None),
        (None, (4, 1)),
    ]


async def test_what_is_put_in_by_hand_stores_the_state_like_a_turn(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    head = await log.insert(KEY, an_entry())
    assert (head.state, head.state_at, head.state_moved) == ({"n": 1}, (1, 1), False)
    assert await log.get(KEY) == head
    assert await said(log, await log.insert(KEY, an_entry())) == [({"n": 1}, None), (None, (1, 1))]


async def test_a_change_during_a_turn_is_stored_at_its_end(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    writer = await begin(log)
    await writer.append()
    await log.change(KEY, SessionChange(state={"n": 2}))
    await writer.append()
    assert await said(log, await log.get(KEY)) == [(None, None)] * 2
    assert (await log.get(KEY)).state_moved
    head = await writer.settle()
    assert await said(log, head) == [(None, None), (None, None), ({"n": 2}, None)]
    assert (head.state_at, head.state_moved) == ((1, 3), False)


async def test_the_last_change_before_the_end_is_the_one_that_is_stored(log: SessionLog) -> None:
    await log.create(a_session())
    for number in range(3):
        await log.change(KEY, SessionChange(state={"n": number}))
    writer = await begin(log)
    await log.change(KEY, SessionChange(title="not the state"))
    assert await said(log, await writer.settle()) == [({"n": 2}, None)]


async def test_another_change_does_not_move_the_state(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}))
    changed = await log.change(KEY, SessionChange(title="Rome", metadata={"m": 1}))
    assert not changed.state_moved
    assert await said(log, await take_turn(log)) == [(None, None)]


async def test_an_emptied_state_is_stored_as_empty(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    await take_turn(log)
    emptied = await log.change(KEY, SessionChange(state=None))
    assert (emptied.state, emptied.state_moved) == ({}, True)
    await take_turn(log)
    assert await said(log, await take_turn(log)) == [({"n": 1}, None), ({}, None), (None, (2, 1))]


async def test_a_turn_that_waited_stores_the_state_as_it_is_at_its_own_end(log: SessionLog) -> None:
    await log.create(a_session())
    holder = await begin(log)
    await wait_in_line(log)
    await log.change(KEY, SessionChange(state={"n": 1}))
    await holder.settle()
    await log.change(KEY, SessionChange(state={"n": 2}))
    assert await said(log, await (await begin_next(log)).settle()) == [({"n": 1}, None), ({"n": 2}, None)]


async def test_a_fork_starts_with_the_state_its_maker_gave_it(log: SessionLog) -> None:
    await log.create(a_session(state={"n": 1}, state_moved=True))
    await take_turn(log, KEY, "hello", "a", "b")
    quiet = await log.fork(KEY, None, a_session(a_key("quiet"), state={"n": 1}, state_at=Position(1, 2)))
    moved = await log.fork(KEY, Position(1, 1), a_session(a_key("moved"), state={"n": 5}, state_moved=True))
    assert (quiet.state, quiet.state_at, quiet.state_moved) == ({"n": 1}, (1, 2), False)
    assert (moved.state, moved.state_at, moved.state_moved) == ({"n": 5}, None, True)
    for child in (quiet, moved):
        assert await log.get(child.key) == child
    assert await said(log, await take_turn(log, a_key("quiet"))) == [(None, None), ({"n": 1}, None), (None, (1, 2))]
    assert await said(log, await take_turn(log, a_key("moved"))) == [(None, None), ({"n": 5}, None)]
    assert (await log.get(KEY)).state == {"n": 1}


@pytest.mark.parametrize(
    "state",
    [DEEP, {"s": bulk(900_000)}, {"s": noise(150_000)}, {"s": noise(900_000)}],
    ids=["deep", "900 KB of one kind", "150 KB", "900 KB"],
)
async def test_a_state_of_any_kind_is_kept_in_the_log(opened: Opened, state: dict[str, object]) -> None:
    log = opened.log
    clean = await opened.raw_count()
    await log.create(a_session())
    await log.change(KEY, SessionChange(state=state))
    head = await take_turn(log, KEY, "one", "a", bulk(200_000))
    assert (head.state, head.state_at) == (state, (1, 2))
    assert await said(log, head) == [(None, None), (state, None)]
    assert (await log.turn(head, 1))[-1].state == state
    assert (await begin(log)).past[-1].state == state
    await log.delete(KEY)
    assert await opened.raw_count() == clean


async def test_what_a_caller_does_to_a_stored_state_does_not_reach_the_store(log: SessionLog) -> None:
    await log.create(a_session(state={"list": [1]}, state_moved=True))
    head = await take_turn(log)

    async def stored() -> Entry:
        (entry,) = await log.read(head, 10)
        return entry

    kept = (await stored()).state
    assert kept is not None
    kept["list"].append(2)
    head.state["list"].append(3)
    assert (await stored()).state == {"list": [1]}
    assert (await log.get(KEY)).state == {"list": [1]}
