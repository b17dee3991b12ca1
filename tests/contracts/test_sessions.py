"""Sessions as such: made, read, found, changed, and nobody else's."""

import pytest

from sessionful.domain.error import (
    AgentError,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from sessionful.domain.session import Checkpoint, Position, SessionChange, SessionKey
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn, an_entry, texts
from tests.contracts.stores import Opened
from tests.contracts.writer import begin, take_turn

STRANGERS = [a_key(owner="eve"), a_key(agent="clerk"), a_key(id="Trip"), a_key(id="trip ")]


async def test_a_new_session_reads_back_as_it_was_given(log: SessionLog) -> None:
    session = a_session(title="Rome", system="Be kind.", metadata={"a": [1, {"b": None}]}, state={"n": 1.5})
    assert await log.create(session) == session
    assert await log.get(KEY) == session


async def test_a_taken_key_is_refused_and_its_holder_stays_as_it_was(log: SessionLog) -> None:
    first = await log.create(a_session(title="first"))
    with pytest.raises(SessionExists):
        await log.create(a_session(title="second"), [an_entry("stray")])
    assert await log.get(KEY) == first
    assert await log.read(first, 10) == []


async def test_a_session_can_be_made_with_a_past(log: SessionLog) -> None:
    entries = [an_entry("one", Position(1, 1)), an_entry("two", Position(2, 1), message_count=2)]
    given = a_session(turns=2, last=Position(2, 1), message_count=2)
    made = await log.create(given, entries)
    assert await log.get(KEY) == made == given
    assert await log.read(made, 10) == entries
    assert (await begin(log)).lease.turn == 3


async def test_making_a_session_is_all_or_nothing(opened: Opened) -> None:
    before = await opened.raw_count()
    twice = [an_entry("one", Position(1, 1)), an_entry("two", Position(1, 1))]
    with pytest.raises(AgentError):
        await opened.log.create(a_session(), twice)
    assert await opened.raw_count() == before
    with pytest.raises(SessionNotFound):
        await opened.log.get(KEY)


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_another_key_does_not_find_the_session(log: SessionLog, stranger: SessionKey) -> None:
    await log.create(a_session())
    before = await take_turn(log)
    with pytest.raises(SessionNotFound):
        await log.get(stranger)
    with pytest.raises(SessionNotFound):
        await log.change(stranger, SessionChange(title="mine"))
    with pytest.raises(SessionNotFound):
        await log.delete(stranger)
    with pytest.raises(SessionNotFound):
        await log.fork(stranger, None, a_session(a_key("copy", owner="eve")))
    with pytest.raises(SessionNotFound):
        await log.rebase(stranger, (), 0)
    with pytest.raises(SessionNotFound):
        await log.begin(stranger, a_turn(), WINDOW)
    with pytest.raises(SessionNotFound):
        await log.insert(stranger, an_entry())
    with pytest.raises(SessionNotFound):
        await log.watch(stranger)
    with pytest.raises(SessionNotFound):
        await log.queued(stranger)
    with pytest.raises(SessionNotFound):
        await log.begin_next(stranger, LEASE_MS, WINDOW)
    with pytest.raises(SessionNotFound):
        await log.take_over(stranger, NOON)
    assert await log.get(KEY) == before


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_sessions_with_a_similar_key_lead_lives_of_their_own(log: SessionLog, stranger: SessionKey) -> None:
    await log.create(a_session())
    await log.create(a_session(stranger))
    await take_turn(log, KEY, "ours", "yes")
    await take_turn(log, stranger, "theirs", "no")
    assert texts(await log.read(await log.get(KEY), 10)) == ["ours", "yes"]
    assert texts(await log.read(await log.get(stranger), 10)) == ["theirs", "no"]
    await log.delete(stranger)
    assert texts(await log.read(await log.get(KEY), 10)) == ["ours", "yes"]


async def test_find_answers_in_the_order_of_the_agents(log: SessionLog) -> None:
    for agent in ("b", "a", "c"):
        await log.create(a_session(a_key(agent=agent)))
    await log.create(a_session(a_key(agent="a", owner="eve")))
    found = await log.find("ada", "trip", ["c", "nobody", "a"])
    assert [session.key for session in found] == [a_key(agent="c"), a_key(agent="a")]
    assert await log.find("ada", "elsewhere", ["a", "b", "c"]) == []
    assert await log.find("ada", "trip", []) == []


async def test_find_leaves_expired_sessions_out(log: SessionLog, clock: ManualClock) -> None:
    await log.create(a_session(a_key(agent="a"), timeout=1))
    await log.create(a_session(a_key(agent="b")))
    clock.advance(1000)
    assert [session.key.agent for session in await log.find("ada", "trip", ["a", "b"])] == ["b"]


async def test_a_change_applies_what_was_set_and_nothing_else(log: SessionLog, clock: ManualClock) -> None:
    made = await log.create(a_session(title="Rome", system="Be kind.", metadata={"a": 1}, state={"s": 1}, timeout=60))
    clock.advance(5)
    changed = await log.change(KEY, SessionChange(title=None, state={"t": [2]}, timeout=90))
    expected = {"title": None, "state": {"t": [2]}, "state_moved": True, "timeout": 90, "version": made.version + 1}
    assert changed == made.model_copy(update=expected)
    assert await log.get(KEY) == changed


async def test_every_field_of_a_change_is_applied(log: SessionLog) -> None:
    made = await log.create(a_session(timeout=60))
    fields = {
        "title": "Rome",
        "system": "Be kind.",
        "work_dir": "/data",
        "metadata": {"m": 1},
        "state": {"s": 1},
        "timeout": None,
        "ended_at": 7,
        "checkpoints": (Checkpoint(name="noon", made_at=NOON, at=Position(0, 0)),),
    }
    assert set(fields) == set(SessionChange.model_fields)
    expected = made.model_copy(update={**fields, "state_moved": True, "version": 2})
    assert await log.change(KEY, SessionChange(**fields)) == expected
    assert await log.get(KEY) == expected


async def test_a_change_leaves_the_activity_alone(log: SessionLog, clock: ManualClock) -> None:
    made = await log.create(a_session())
    clock.advance(1000)
    assert (await log.change(KEY, SessionChange(title="later"))).updated_at == made.updated_at


async def test_a_change_with_the_current_version_is_made(log: SessionLog) -> None:
    made = await log.create(a_session())
    changed = await log.change(KEY, SessionChange(title="one"), if_version=made.version)
    assert (await log.change(KEY, SessionChange(title="two"), if_version=changed.version)).title == "two"


async def test_a_change_with_an_old_version_is_refused(log: SessionLog) -> None:
    made = await log.create(a_session())
    changed = await log.change(KEY, SessionChange(title="one"))
    with pytest.raises(VersionConflict):
        await log.change(KEY, SessionChange(title="two"), if_version=made.version)
    assert await log.get(KEY) == changed


async def test_a_turn_makes_the_version_move(log: SessionLog) -> None:
    made = await log.create(a_session())
    await take_turn(log)
    with pytest.raises(VersionConflict):
        await log.change(KEY, SessionChange(title="late"), if_version=made.version)


async def test_a_change_during_a_turn_and_the_turn_keep_what_the_other_wrote(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await log.change(KEY, SessionChange(title="meanwhile", state={"n": 1}))
    await writer.append("one")
    await log.change(KEY, SessionChange(metadata={"m": 2}))
    head = await writer.settle("two")
    assert (head.title, head.state, head.metadata, head.last) == ("meanwhile", {"n": 1}, {"m": 2}, (1, 2))
    assert texts(await log.read(head, 10)) == ["hello", "one", "two"]


async def test_what_a_caller_does_to_a_value_does_not_reach_the_store(log: SessionLog) -> None:
    given = a_session(metadata={"list": [1]}, state={"n": 1})
    made = await log.create(given)
    for value in (given, made, await log.get(KEY), (await log.find("ada", "trip", ["guide"]))[0]):
        value.metadata["list"].append(2)
        value.state["n"] = 2
    state = {"deep": {"n": 1}}
    (await log.change(KEY, SessionChange(state=state))).state["deep"]["n"] = 3
    state["deep"]["n"] = 4
    kept = await log.get(KEY)
    assert (kept.metadata, kept.state) == ({"list": [1]}, {"deep": {"n": 1}})
