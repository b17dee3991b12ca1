"""Scopes too large to be read whole. What the vector index itself does is shown where there is one: see VECTORS."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from sessionful.domain.memory import Scope
from sessionful.stores.dynamodb.bank import DynamoDBBank, VectorIndex
from sessionful.stores.dynamodb.bank.table import create_memory_table
from tests.contracts.bank_samples import HERE, MINE, SHARED, a_memory, alike, everything, texts_of
from tests.contracts.clock import NOON, ManualClock
from tests.contracts.dynamodb import moto_client
from tests.contracts.dynamodb_bank import VECTORS, dynamodb_bank, vectors_client, with_vectors
from tests.stores.dynamodb_banks import MODEL, a_fact, a_vector

needs_vectors = pytest.mark.skipif(not with_vectors(), reason=f"{VECTORS} names no DynamoDB with vector indexes")

LARGE = VectorIndex("nearest", 256, scan_upto=0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def listed(clock: ManualClock) -> AsyncIterator[DynamoDBBank]:
    """A bank for which every scope is large, on a table that cannot be searched."""
    client, table = moto_client(), f"listed-{uuid4().hex}"
    create_memory_table(client, table)
    bank = DynamoDBBank(client, table, clock, LARGE)
    yield bank
    await bank.close()
    client.delete_table(TableName=table)


@pytest.fixture
async def bank(clock: ManualClock) -> AsyncIterator[DynamoDBBank]:
    async with dynamodb_bank(vectors_client(), clock, LARGE) as (bank, _):
        yield bank


def numbered(number: int) -> str:
    return f"mem_{number:04d}"


@pytest.mark.parametrize("limit", [1, 4, 50])
async def test_pages_tell_every_memory_once_newest_first(listed: DynamoDBBank, clock: ManualClock, limit: int) -> None:
    facts = [a_fact(number, id=numbered(number)) for number in range(12)]
    await listed.store([*facts, a_fact(50, id="mem_9999", expires_at=NOON + 1)])
    await listed.supersede(MINE, facts[5].id, a_fact(20, id=numbered(20)))
    await listed.delete(MINE, facts[7].id)
    clock.advance(1)
    live = [numbered(number) for number in (20, 11, 10, 9, 8, 6, 4, 3, 2, 1, 0)]
    assert [one.id for one in await everything(listed, limit=limit, ended=False)] == live
    assert len(await everything(listed, limit=limit, ended=True)) == 12


async def test_memories_of_another_model_are_found_newest_first(listed: DynamoDBBank) -> None:
    await listed.store([a_fact(number, id=numbered(number)) for number in range(9)])
    await listed.revector(MINE, [(numbered(number), "new", a_vector(number)) for number in (1, 8)])
    assert [one.id for one in await listed.unlike(MINE, "new", 3)] == ["mem_0007", "mem_0006", "mem_0005"]
    assert len(await listed.unlike(MINE, "new", 50)) == 7


@needs_vectors
async def test_the_nearest_are_found_at_once_with_their_cosines(bank: DynamoDBBank) -> None:
    facts = [a_fact(number) for number in range(120)]
    await bank.store(facts)
    found = await bank.search(MINE, a_vector(77), MODEL, [], 5)
    assert alike(found[0].memory, facts[77])
    assert found[0].score == pytest.approx(1.0, abs=0.005)
    exact = sorted((sum(a * b for a, b in zip(one.vector, a_vector(77), strict=True)) for one in facts), reverse=True)
    assert [one.score for one in found] == pytest.approx(exact[:5], abs=0.005)


@needs_vectors
async def test_what_was_written_a_moment_ago_is_found_by_its_words_too(bank: DynamoDBBank) -> None:
    await bank.store([a_fact(number) for number in range(60)])
    await bank.store([a_memory("The plumber comes on Tuesday", id="plumber")])
    found = await bank.search(MINE, a_vector(3), MODEL, ["plumber"], 3)
    assert "The plumber comes on Tuesday" in texts_of(found)


@needs_vectors
async def test_what_is_gone_has_ended_or_expired_is_not_found(bank: DynamoDBBank, clock: ManualClock) -> None:
    facts = [a_fact(number, expires_at=NOON + 5 if number == 2 else None) for number in range(30)]
    await bank.store(facts)
    await bank.delete(MINE, facts[0].id)
    await bank.supersede(MINE, facts[1].id, a_fact(31))
    clock.advance(5)
    for number in range(3):
        found = await bank.search(MINE, a_vector(number), MODEL, [], 50)
        assert {one.memory.id for one in found}.isdisjoint({one.id for one in facts[:3]})
    await bank.erase(MINE)
    assert await bank.search(MINE, a_vector(9), MODEL, [], 50) == []


@needs_vectors
async def test_a_search_leaves_neither_its_scope_nor_its_model(bank: DynamoDBBank) -> None:
    scopes = [MINE, HERE, SHARED, Scope("guide", "ben"), Scope("clerk", "ada")]
    for scope in scopes:
        await bank.store([a_fact(number, scope) for number in range(5)])
        await bank.store([a_fact(9, scope, model="other/256", digest="other")])
    for scope in scopes:
        found = await bank.search(scope, a_vector(9), "other/256", [], 1)
        assert [(one.memory.scope, one.memory.model) for one in found if one.score > 0.9] == [(scope, "other/256")]
        assert {one.memory.scope for one in await bank.search(scope, a_vector(3), MODEL, ["violinist"], 50)} == {scope}
        assert all(one.score < 0.9 for one in await bank.search(scope, a_vector(9), MODEL, [], 50))


@needs_vectors
async def test_vectors_that_the_index_does_not_take_are_kept_all_the_same(bank: DynamoDBBank) -> None:
    odd = [a_memory("short", id="short", model=MODEL, vector=(0.6, 0.8)), a_memory("none", id="none")]
    odd.append(a_memory("zero", id="zero", model=MODEL, vector=(0.0,) * 256))
    await bank.store(odd)
    assert {one.id for one in await everything(bank)} == {"short", "none", "zero"}
    await bank.revector(MINE, [("short", MODEL, a_vector(1))])
    found = await bank.search(MINE, a_vector(1), MODEL, [], 1)
    assert found[0].memory.id == "short"
