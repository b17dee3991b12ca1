"""Reading the visible past: in order, in pages, both ways."""

import pytest

from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog
from tests.contracts.samples import KEY, a_key, a_session, places, texts
from tests.contracts.writer import begin, take_turn

ALL = [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (3, 3), (4, 1)]


async def a_long_session(log: SessionLog) -> Session:
    await log.create(a_session())
    for steps in (2, 1, 3, 1):
        head = await take_turn(log, KEY, "go on", *"abc"[:steps])
    return head


async def a_lineage(log: SessionLog) -> Session:
    """A session that sees exactly the same places, in three logs."""
    await log.create(a_session(a_key("first")))
    await take_turn(log, a_key("first"), "go on", "a", "b", "elsewhere")
    await log.fork(a_key("first"), Position(1, 2), a_session(a_key("second")))
    await take_turn(log, a_key("second"), "go on", "a")
    await take_turn(log, a_key("second"), "go on", "a", "b", "c")
    await log.fork(a_key("second"), None, a_session())
    await take_turn(log, a_key("second"), "elsewhere")
    await take_turn(log, a_key("first"), "elsewhere")
    return await take_turn(log, KEY, "go on", "a")


@pytest.fixture(params=[a_long_session, a_lineage])
async def session(request: pytest.FixtureRequest, log: SessionLog) -> Session:
    made: Session = await request.param(log)
    return made


async def test_the_past_is_read_oldest_first(log: SessionLog, session: Session) -> None:
    assert places(await log.read(session, 100)) == ALL
    assert places(await log.read(session, 100, newest_first=True)) == ALL[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_no_more_is_read_than_asked_for(log: SessionLog, session: Session, limit: int) -> None:
    assert places(await log.read(session, limit)) == ALL[:limit]
    assert places(await log.read(session, limit, newest_first=True)) == ALL[::-1][:limit]


async def test_both_ends_are_left_out(log: SessionLog, session: Session) -> None:
    for after in [*ALL, (0, 0), (2, 7), (9, 9)]:
        for before in [*ALL, (1, 0), (3, 0), (9, 9)]:
            expected = [place for place in ALL if after < place < before]
            told = await log.read(session, 100, after=Position(*after), before=Position(*before))
            assert places(told) == expected, (after, before)


async def test_one_end_is_enough(log: SessionLog, session: Session) -> None:
    for place in ALL:
        assert places(await log.read(session, 100, after=Position(*place))) == [p for p in ALL if p > place]
        assert places(await log.read(session, 100, before=Position(*place))) == [p for p in ALL if p < place]


async def test_newest_first_counts_from_the_newest_before_the_end(log: SessionLog, session: Session) -> None:
    told = await log.read(session, 3, after=Position(1, 1), before=Position(3, 3), newest_first=True)
    assert places(told) == [(3, 2), (3, 1), (2, 1)]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_pages_forward_tell_everything_once(log: SessionLog, session: Session, size: int) -> None:
    told: list[Entry] = []
    while page := await log.read(session, size, after=told[-1].position if told else None):
        assert len(page) <= size
        told += page
    assert places(told) == ALL


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_pages_backward_tell_everything_once(log: SessionLog, session: Session, size: int) -> None:
    told: list[Entry] = []
    while page := await log.read(session, size, before=told[-1].position if told else None, newest_first=True):
        assert len(page) <= size
        told += page
    assert places(told) == ALL[::-1]


async def test_a_turn_is_read_by_its_number(log: SessionLog, session: Session) -> None:
    for number in (1, 2, 3, 4):
        assert places(await log.turn(session, number)) == [place for place in ALL if place[0] == number]
    for number in (0, 5, 10, 11):
        assert await log.turn(session, number) == []


async def test_a_turn_number_is_not_taken_for_another_that_begins_alike(log: SessionLog) -> None:
    await log.create(a_session())
    for number in range(1, 13):
        head = await take_turn(log, KEY, str(number))
    assert places(await log.turn(head, 1)) == [(1, 1)]
    assert places(await log.read(head, 3, after=Position(9, 1))) == [(10, 1), (11, 1), (12, 1)]


async def test_a_running_turn_shows_what_it_has_stored(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    assert await log.turn(writer.session, 1) == []
    entry = await writer.append("one")
    assert await log.turn(await log.get(KEY), 1) == [entry]
    assert await log.read(await log.get(KEY), 10) == [entry]


async def test_a_head_read_before_shows_what_came_after(log: SessionLog) -> None:
    before = await log.create(a_session())
    await take_turn(log, KEY, "hello", "done")
    assert texts(await log.read(before, 10)) == ["hello", "done"]


async def test_an_empty_session_has_nothing_to_read(log: SessionLog) -> None:
    made = await log.create(a_session())
    assert await log.read(made, 10) == []
    assert await log.read(made, 10, after=Position(1, 1), newest_first=True) == []
    assert await log.turn(made, 1) == []
