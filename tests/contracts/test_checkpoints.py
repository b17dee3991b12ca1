"""Named points of a session, and the mark of the request that made it, are kept with its head."""

from sessionful.domain.session import Checkpoint, Position, Segment, SessionChange
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON
from tests.contracts.odd_values import a_checkpoint
from tests.contracts.samples import KEY, a_key, a_session
from tests.contracts.writer import begin, take_turn


async def test_checkpoints_are_kept_in_their_order(log: SessionLog) -> None:
    made = await log.create(a_session())
    points = tuple(a_checkpoint(name) for name in ("noon", "dawn", "", "noon \u0000🦊"))
    changed = await log.change(KEY, SessionChange(checkpoints=points))
    assert changed == made.model_copy(update={"checkpoints": points, "version": made.version + 1})
    assert await log.get(KEY) == changed
    assert (await log.list_sessions("ada", ["guide"], 10)).sessions == [changed]
    assert (await log.watch(KEY)).session == changed


async def test_checkpoints_are_replaced_and_emptied(log: SessionLog) -> None:
    await log.create(a_session(checkpoints=(a_checkpoint("first"), a_checkpoint("second"))))
    changed = await log.change(KEY, SessionChange(checkpoints=(a_checkpoint("third"),)))
    assert [point.name for point in changed.checkpoints] == ["third"]
    emptied = await log.change(KEY, SessionChange(checkpoints=None))
    assert emptied.checkpoints == ()
    assert await log.get(KEY) == emptied


async def test_turns_and_other_changes_leave_checkpoints_alone(log: SessionLog) -> None:
    points = (a_checkpoint("noon"),)
    await log.create(a_session(checkpoints=points, made_with="digest"))
    writer = await begin(log)
    await log.change(KEY, SessionChange(title="Rome", state={"n": 1}))
    await writer.flush("one")
    await writer.append()
    await writer.settle()
    await log.rebase(KEY, (), 0)
    head = await log.get(KEY)
    assert (head.checkpoints, head.made_with) == (points, "digest")


async def test_checkpoints_set_during_a_turn_are_kept_by_it(log: SessionLog) -> None:
    await log.create(a_session())
    writer = await begin(log)
    await log.change(KEY, SessionChange(checkpoints=(a_checkpoint("noon"),)))
    await writer.append()
    assert [point.name for point in (await writer.settle()).checkpoints] == ["noon"]


async def test_many_checkpoints_are_kept(log: SessionLog) -> None:
    await log.create(a_session())
    past = tuple(Segment(log=f"log {number}", upto=Position(number, 1)) for number in range(1, 6))
    points = tuple(
        Checkpoint(name=f"{number}", made_at=NOON, at=Position(5, 1), past=past, state={"n": [number] * 50})
        for number in range(200)
    )
    await log.change(KEY, SessionChange(checkpoints=points))
    assert (await take_turn(log)).checkpoints == points


async def test_a_fork_has_the_checkpoints_and_the_mark_its_maker_gave_it(log: SessionLog) -> None:
    await log.create(a_session(checkpoints=(a_checkpoint("noon"),), made_with="digest"))
    await take_turn(log)
    plain = await log.fork(KEY, None, a_session(a_key("plain")))
    given = await log.fork(KEY, None, a_session(a_key("given"), checkpoints=(a_checkpoint("own"),), made_with="other"))
    assert (plain.checkpoints, plain.made_with) == ((), None)
    assert ([point.name for point in given.checkpoints], given.made_with) == (["own"], "other")
    assert await log.get(a_key("given")) == given


async def test_what_a_caller_does_to_a_checkpoint_does_not_reach_the_store(log: SessionLog) -> None:
    point = Checkpoint(name="noon", made_at=NOON, at=Position(0, 0), state={"list": [1]})
    await log.create(a_session())
    changed = await log.change(KEY, SessionChange(checkpoints=(point,)))
    for kept in (point, changed.checkpoints[0], (await log.get(KEY)).checkpoints[0]):
        kept.state["list"].append(2)
    assert (await log.get(KEY)).checkpoints[0].state == {"list": [1]}
