"""Admitted once: a key never starts a second turn, it attaches to the first."""

import pytest

from sessionful.domain.error import IdempotencyConflict, SessionExpired
from sessionful.domain.session import SessionChange
from sessionful.domain.turn import Attached, NewTurn
from sessionful.ports import SessionLog
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, LEASE_MS, WINDOW, a_key, a_session, a_turn
from tests.contracts.writer import Writer, begin, take_turn


def keyed(request_hash: str | None = "same") -> NewTurn:
    return a_turn(idempotency_key="once", request_hash=request_hash)


async def admitted_once(log: SessionLog) -> tuple[Writer, str]:
    await log.create(a_session())
    writer = await begin(log, idempotency_key="once", request_hash="same")
    assert writer.session.running is not None
    return writer, writer.session.running.turn_id


async def test_a_used_key_attaches_while_its_turn_runs(log: SessionLog) -> None:
    writer, turn_id = await admitted_once(log)
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(writer.session, turn_id)
    assert await log.get(KEY) == writer.session


async def test_a_used_key_attaches_after_its_turn(log: SessionLog) -> None:
    writer, turn_id = await admitted_once(log)
    head = await writer.settle()
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(head, turn_id)
    head = await take_turn(log)
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(head, turn_id)
    assert await log.get(KEY) == head


async def test_a_used_key_attaches_while_another_turn_runs(log: SessionLog) -> None:
    writer, turn_id = await admitted_once(log)
    await writer.settle()
    other = await begin(log)
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(other.session, turn_id)


async def test_a_used_key_attaches_in_an_ended_session(log: SessionLog) -> None:
    writer, turn_id = await admitted_once(log)
    await writer.settle()
    head = await log.change(KEY, SessionChange(ended_at=NOON))
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(head, turn_id)


async def test_a_used_key_attaches_when_its_turn_has_lost_its_holder(log: SessionLog, clock: ManualClock) -> None:
    writer, turn_id = await admitted_once(log)
    clock.advance(LEASE_MS + 1)
    assert await log.begin(KEY, keyed(), WINDOW) == Attached(writer.session, turn_id)


@pytest.mark.parametrize("other_hash", ["other", None])
async def test_a_used_key_with_another_request_is_a_conflict(log: SessionLog, other_hash: str | None) -> None:
    writer, _ = await admitted_once(log)
    with pytest.raises(IdempotencyConflict):
        await log.begin(KEY, keyed(other_hash), WINDOW)
    head = await writer.settle()
    with pytest.raises(IdempotencyConflict):
        await log.begin(KEY, keyed(other_hash), WINDOW)
    assert await log.get(KEY) == head


async def test_a_key_without_a_hash_attaches_to_a_key_without_a_hash(log: SessionLog) -> None:
    await log.create(a_session())
    await (await begin(log, idempotency_key="once")).settle()
    assert isinstance(await log.begin(KEY, keyed(None), WINDOW), Attached)


async def test_an_expired_session_does_not_attach(log: SessionLog, clock: ManualClock) -> None:
    writer, _ = await admitted_once(log)
    await writer.settle()
    await log.change(KEY, SessionChange(timeout=1))
    clock.advance(1000)
    with pytest.raises(SessionExpired):
        await log.begin(KEY, keyed(), WINDOW)


async def test_a_turn_is_found_by_its_key_and_only_in_its_session(log: SessionLog) -> None:
    writer, turn_id = await admitted_once(log)
    assert await log.turn_for(KEY, "once") == turn_id
    assert await log.turn_for(KEY, "never") is None
    await writer.settle()
    await take_turn(log)
    assert await log.turn_for(KEY, "once") == turn_id
    await log.create(a_session(a_key("other")))
    assert await log.turn_for(a_key("other"), "once") is None
    assert (await begin(log, a_key("other"), idempotency_key="once", request_hash="another")).lease.turn == 1


async def test_a_fork_has_not_used_its_parents_keys(log: SessionLog) -> None:
    writer, _ = await admitted_once(log)
    await writer.settle()
    await log.fork(KEY, None, a_session(a_key("child")))
    assert await log.turn_for(a_key("child"), "once") is None
    assert (await begin(log, a_key("child"), idempotency_key="once", request_hash="another")).lease.turn == 2


async def test_keys_go_with_the_session(log: SessionLog) -> None:
    writer, _ = await admitted_once(log)
    await writer.settle()
    await log.delete(KEY)
    await log.create(a_session())
    assert await log.turn_for(KEY, "once") is None
    assert (await begin(log, idempotency_key="once", request_hash="another")).lease.turn == 1


async def test_keys_hold_any_text(log: SessionLog) -> None:
    await log.create(a_session())
    keys = ["a", "A", "a ", "ключ 🗝", "x" * 255, "a#b/c%00'\";--", "\\"]
    for number, key in enumerate(keys, start=1):
        writer = await begin(log, idempotency_key=key)
        assert writer.lease.turn == number
        await writer.settle()
    found = [await log.turn_for(KEY, key) for key in keys]
    assert len(set(found)) == len(keys)
    assert None not in found
