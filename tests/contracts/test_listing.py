"""Lists: newest activity first, page by page, the owner's own and live ones only."""

import pytest

from sessionful.domain.error import InvalidRequest
from sessionful.domain.session import Session, SessionKey
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, an_entry
from tests.contracts.writer import begin, take_turn

AGENTS = ["guide", "clerk"]


async def pages(log: SessionLog, limit: int, agents: list[str] = AGENTS, owner: str = "ada") -> list[list[Session]]:
    found, cursor = [], None
    for _ in range(50):
        page = await log.list_sessions(owner, agents, limit, cursor)
        assert len(page.sessions) <= limit
        found.append(page.sessions)
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


async def listed(log: SessionLog, limit: int = 100, agents: list[str] = AGENTS) -> list[SessionKey]:
    return [session.key for page in await pages(log, limit, agents) for session in page]


async def test_the_newest_activity_comes_first(log: SessionLog, clock: ManualClock) -> None:
    for id in "abc":
        clock.advance(1)
        await log.create(a_session(a_key(id), at=clock()))
    assert await listed(log) == [a_key("c"), a_key("b"), a_key("a")]
    clock.advance(1)
    await begin(log, a_key("b"))
    clock.advance(1)
    await log.insert(a_key("a"), an_entry())
    assert await listed(log) == [a_key("a"), a_key("b"), a_key("c")]


async def test_a_list_tells_whole_heads(log: SessionLog) -> None:
    await log.create(a_session(title="Rome", metadata={"m": 1}))
    head = await take_turn(log)
    assert (await log.list_sessions("ada", ["guide"], 10)).sessions == [head]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 20])
async def test_pages_tell_every_session_once(log: SessionLog, clock: ManualClock, limit: int) -> None:
    expected = []
    for number in range(7):
        clock.advance(number % 2)
        key = a_key(f"s{number}", agent=AGENTS[number % 2])
        expected.append(await log.create(a_session(key, at=clock())))
    found = [session for page in await pages(log, limit) for session in page]
    assert [session.updated_at for session in found] == sorted((s.updated_at for s in expected), reverse=True)
    assert sorted(session.key for session in found) == sorted(session.key for session in expected)


async def test_sessions_of_the_same_moment_have_a_fixed_order(log: SessionLog) -> None:
    for number in range(9):
        await log.create(a_session(a_key(f"s{number}", agent=AGENTS[number % 2])))
    whole = await listed(log)
    assert len(set(whole)) == 9
    for limit in (1, 2, 4):
        assert await listed(log, limit) == whole


async def test_a_session_not_touched_between_pages_appears_exactly_once(log: SessionLog, clock: ManualClock) -> None:
    for number in range(9):
        clock.advance(1)
        await log.create(a_session(a_key(f"s{number}"), at=clock()))
    first = await log.list_sessions("ada", AGENTS, 3)
    assert [s.key.id for s in first.sessions] == ["s8", "s7", "s6"]
    clock.advance(1)
    await take_turn(log, a_key("s7"))
    await take_turn(log, a_key("s1"))
    await log.delete(a_key("s6"))
    await log.delete(a_key("s2"))
    await log.create(a_session(a_key("new"), at=clock()))
    rest, cursor = [], first.next_cursor
    while cursor is not None:
        page = await log.list_sessions("ada", AGENTS, 3, cursor)
        rest += [s.key.id for s in page.sessions]
        cursor = page.next_cursor
    assert rest == ["s5", "s4", "s3", "s0"]


async def test_several_agents_are_merged_and_others_left_out(log: SessionLog, clock: ManualClock) -> None:
    for agent in ("guide", "clerk", "guide", "spy", "clerk"):
        clock.advance(1)
        await log.create(a_session(a_key(f"s{clock() - NOON}", agent=agent), at=clock()))
    assert [key.id for key in await listed(log, 2)] == ["s5", "s3", "s2", "s1"]
    assert [key.id for key in await listed(log, 2, ["clerk"])] == ["s5", "s2"]
    assert await listed(log, 2, ["nobody"]) == []
    assert await listed(log, 2, []) == []


async def test_nobody_sees_the_sessions_of_another_owner(log: SessionLog) -> None:
    await log.create(a_session())
    await log.create(a_session(a_key(owner="eve")))
    await log.create(a_session(a_key(owner="ada2")))
    assert await listed(log) == [KEY]
    assert [[s.key.owner for s in page] for page in await pages(log, 10, owner="eve")] == [["eve"]]
    assert await pages(log, 10, owner="ad") == [[]]


async def test_expired_sessions_are_left_out(log: SessionLog, clock: ManualClock) -> None:
    for number in range(12):
        timeout = 10 if number % 3 else None
        await log.create(a_session(a_key(f"s{number}"), at=NOON + number, timeout=timeout))
    clock.advance(11_000)
    assert [key.id for key in await listed(log, 2)] == ["s9", "s6", "s3", "s0"]


async def test_a_list_that_fits_has_no_next_page(log: SessionLog) -> None:
    await log.create(a_session())
    assert (await log.list_sessions("ada", AGENTS, 2)).next_cursor is None
    assert (await log.list_sessions("eve", AGENTS, 2)).next_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "", "e30", "W10", "bnVsbA", "ü", "AAAA====", "WzEsMiwzXQ", "x" * 5000])
async def test_a_strange_cursor_is_refused(log: SessionLog, cursor: str) -> None:
    await log.create(a_session())
    with pytest.raises(InvalidRequest):
        await log.list_sessions("ada", AGENTS, 2, cursor)


async def test_another_owners_cursor_shows_nothing_of_theirs(log: SessionLog) -> None:
    for number in range(3):
        await log.create(a_session(a_key(f"e{number}", owner="eve")))
        await log.create(a_session(a_key(f"a{number}")))
    theirs = (await log.list_sessions("eve", AGENTS, 1)).next_cursor
    try:
        page = await log.list_sessions("ada", AGENTS, 10, theirs)
    except InvalidRequest:
        return
    assert {session.key.owner for session in page.sessions} <= {"ada"}
