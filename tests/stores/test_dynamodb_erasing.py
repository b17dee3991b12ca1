"""Expiry by the table itself, and what its stream's follower does about what hung on an expired head."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessionful.domain.error import SessionNotFound
from sessionful.domain.session import Position, SessionChange
from sessionful.stores.dynamodb.table import EXPIRY, GRACE_SECONDS
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.samples import KEY, a_key, a_session, texts
from tests.contracts.writer import begin, take_turn
from tests.stores.dynamodb_servers import SERVERS, Bench, bench

CHILD = a_key("child")
DAY = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=SERVERS)
async def table(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    async with bench(request.param, clock) as opened:
        yield opened


def head_of(table: Bench, log: str) -> dict[str, Any]:
    (head,) = [item for item in table.items() if item["sk"]["S"] == "H" and item["g"]["S"] == log]
    return head


def expire(table: Bench, log: str) -> dict[str, Any]:
    """As the table's expiry does: the head goes, and its last image is in the stream."""
    image = head_of(table, log)
    table.client.delete_item(TableName=table.table, Key={name: image[name] for name in ("pk", "sk")})
    return image


def erased_at(table: Bench, log: str) -> int | None:
    item = head_of(table, log)
    return int(item[EXPIRY]["N"]) if EXPIRY in item else None


async def test_only_the_head_expires_and_never_before_the_session_and_its_days_of_grace(
    table: Bench, clock: ManualClock
) -> None:
    made = await table.log.create(a_session(timeout=30 * DAY, max_duration=400 * DAY))
    for days in (0, 20, 29, 1):
        clock.advance(days * DAY * 1000)
        writer = await begin(table.log)
        running = erased_at(table, made.log)
        head = await writer.settle()
        settled = erased_at(table, made.log)
        assert head.expires_at is not None
        for erased in (running, settled):
            assert erased is not None
            assert 0 <= erased - GRACE_SECONDS - head.expires_at // 1000 <= 1
    assert [item["sk"]["S"][0] for item in table.items() if EXPIRY in item] == ["H"]


async def test_a_session_without_limits_is_not_erased_by_the_table(table: Bench) -> None:
    made = await table.log.create(a_session(timeout=10))
    assert erased_at(table, made.log) is not None
    await table.log.change(KEY, SessionChange(timeout=None))
    assert erased_at(table, made.log) is None
    await take_turn(table.log)
    assert erased_at(table, made.log) is None


async def test_the_longest_duration_ends_the_waiting_too(table: Bench, clock: ManualClock) -> None:
    made = await table.log.create(a_session(max_duration=10 * DAY))
    clock.advance(9 * DAY * 1000)
    await take_turn(table.log)
    assert erased_at(table, made.log) == NOON // 1000 + 10 * DAY + 1 + GRACE_SECONDS


async def test_what_hung_on_an_expired_head_is_erased_after_it(table: Bench) -> None:
    made = await table.log.create(a_session(state={"s": "x" * 5_000}))
    await (await begin(table.log, text="y" * 500_000, idempotency_key="once")).settle("z" * 500_000)
    image = expire(table, made.log)
    for _ in range(2):
        await table.log.sweep(image)
        assert table.items() == []


@pytest.mark.parametrize("first", ["parent", "child"])
async def test_a_fork_keeps_its_past_when_the_table_erases_its_parent(table: Bench, first: str) -> None:
    parent = await table.log.create(a_session())
    await take_turn(table.log, KEY, "one", "a", "b")
    child = await table.log.fork(KEY, Position(1, 1), a_session(CHILD))
    leaf = await table.log.fork(CHILD, None, a_session(a_key("leaf")))
    image = expire(table, parent.log)
    if first == "parent":
        await table.log.sweep(image)
        assert texts(await table.log.read(child, 10)) == texts(await table.log.read(leaf, 10)) == ["one", "a"]
    await table.log.delete(CHILD)
    await table.log.delete(a_key("leaf"))
    if first == "child":  # the stream is late: the forks were gone before it told of the parent
        await table.log.sweep(image)
    await table.log.sweep(image)
    assert table.items() == []


async def test_an_id_can_be_used_again_before_the_stream_has_told_of_its_end(table: Bench) -> None:
    old = await table.log.create(a_session())
    await take_turn(table.log, KEY, "old")
    image = expire(table, old.log)
    await table.log.create(a_session())
    head = await take_turn(table.log, KEY, "new")
    await table.log.sweep(image)
    assert texts(await table.log.read(head, 10)) == ["new", "done"]
    await table.log.delete(KEY)
    assert table.items() == []


async def test_the_sweep_leaves_alone_what_lives(table: Bench) -> None:
    await table.log.create(a_session())
    await take_turn(table.log)
    await table.log.fork(KEY, None, a_session(CHILD))
    await table.log.delete(KEY)
    before = table.items()
    for item in before:
        if item["sk"]["S"] != "H":
            await table.log.sweep(item)
    assert table.items() == before
    with pytest.raises(SessionNotFound):
        await table.log.get(KEY)


async def test_a_fork_that_expires_lets_go_of_its_past_once_however_often_the_stream_tells_of_it(table: Bench) -> None:
    parent = await table.log.create(a_session())
    await take_turn(table.log, KEY, "one")
    expiring = await table.log.fork(KEY, None, a_session(CHILD))
    living = await table.log.fork(KEY, None, a_session(a_key("living")))
    image = expire(table, expiring.log)
    for _ in range(3):
        await table.log.sweep(image)
    await table.log.delete(KEY)
    assert texts(await table.log.read(living, 10)) == ["one", "done"]
    await table.log.delete(living.key)
    await table.log.sweep(image)
    assert parent.log not in str(table.items())
    assert all(EXPIRY in item for item in table.items())
