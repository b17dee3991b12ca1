"""Connections and their streams in the table: one request each, one teller at a time, nothing that stays for ever."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from functions.connections.rows import LONGEST_SECONDS, Connection, Connections, Held, Stream
from sessionful.surfaces.websocket.subscription import Subscription
from tests.contracts.clock import ManualClock
from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer
from tests.stores.dynamodb_servers import Bench, bench, client_of

ALICE = Connection("L0SM9cOFvHcCIhw=", "alice", "assistant", "https://api.example.com/v1")
WANTED = Subscription(owner="alice", agent="assistant", session_id="s1", turn_id="turn_1_x", form="task", tag="t1")


class Place(NamedTuple):
    bench: Bench
    clock: ManualClock
    connections: Connections

    def another(self) -> Connections:
        """As another process has it."""
        return Connections(client_of(self.bench.relay.url), self.bench.table, self.clock)

    def requests(self) -> list[str]:
        asked = self.bench.relay.operations
        self.bench.relay.heard.clear()
        return asked


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    clock = ManualClock()
    async with bench("moto", clock) as opened:
        connections = Connections(client_of(opened.relay.url), opened.table, clock)
        yield Place(opened, clock, connections)
        await connections.close()


async def _claimed(connections: Connections, stream: str) -> Stream:
    claimed = await connections.claim(ALICE.id, stream, 15)
    assert isinstance(claimed, Stream)
    return claimed


async def test_every_operation_is_one_request_and_leaving_is_two(place: Place) -> None:
    connections, seen = place.connections, list[list[str]]()
    await connections.add(ALICE)
    seen.append(place.requests())
    stream = await connections.subscribe(ALICE, WANTED)
    seen.append(place.requests())
    assert await connections.find(ALICE.id) == (ALICE, [WANTED])
    seen.append(place.requests())
    claimed = await _claimed(connections, stream)
    seen.append(place.requests())
    assert await connections.keep(claimed, "1.1.7", 15)
    seen.append(place.requests())
    assert await connections.release(claimed, "1.1.9")
    seen.append(place.requests())
    await connections.end(claimed)
    seen.append(place.requests())
    await connections.erase(ALICE.id)
    writes = ["UpdateItem"]
    assert seen == [["PutItem"], ["PutItem"], ["Query"], writes, writes, writes, ["DeleteItem"]]
    assert place.requests() == ["Query", "BatchWriteItem"]
    assert place.bench.items() == []


async def test_every_row_expires_a_little_after_the_longest_connection(place: Place) -> None:
    await place.connections.add(ALICE)
    await place.connections.subscribe(ALICE, WANTED)
    rows = place.bench.items()
    assert len(rows) == 2
    assert {int(row["ttl"]["N"]) for row in rows} == {place.clock() // 1000 + LONGEST_SECONDS}
    assert 7200 < LONGEST_SECONDS < 8000


async def test_what_has_expired_is_gone_before_the_table_erases_it(place: Place) -> None:
    await place.connections.add(ALICE)
    stream = await place.connections.subscribe(ALICE, WANTED)
    place.clock.advance(LONGEST_SECONDS * 1000)
    assert await place.connections.find(ALICE.id) is None
    assert await place.connections.claim(ALICE.id, stream, 15) is None


async def test_one_of_many_that_want_it_at_once_tells_a_stream(place: Place) -> None:
    stream = await place.connections.subscribe(ALICE, WANTED)
    tellers = [place.connections, *(place.another() for _ in range(4))]
    got = await asyncio.gather(*(one.claim(ALICE.id, stream, 15) for one in tellers))
    assert sum(isinstance(one, Stream) for one in got) == 1
    assert [one for one in got if not isinstance(one, Stream)] == [Held(15.0)] * 4
    for one in tellers[1:]:
        await one.close()


async def test_the_next_teller_goes_on_behind_what_the_dead_one_noted(place: Place) -> None:
    stream = await place.connections.subscribe(ALICE, WANTED)
    dead = await _claimed(place.connections, stream)
    await place.connections.keep(dead, "1.1.40+3", 15)
    place.clock.advance(14_999)
    assert isinstance(await place.connections.claim(ALICE.id, stream, 15), Held)
    place.clock.advance(1)
    heir = await _claimed(place.connections, stream)
    assert heir.subscription == WANTED.model_copy(update={"after": "1.1.40+3"})
    assert heir.endpoint == ALICE.endpoint
    assert not await place.connections.keep(dead, "1.1.50", 15), "it is the heir's now"
    await place.connections.end(dead)
    assert await place.connections.keep(heir, "1.1.50", 15), "and nobody else ends it"


async def test_a_stream_that_is_released_is_free_at_once(place: Place) -> None:
    stream = await place.connections.subscribe(ALICE, WANTED)
    await place.connections.release(await _claimed(place.connections, stream), "1.1.12")
    assert (await _claimed(place.connections, stream)).subscription.after == "1.1.12"


async def test_claims_are_counted_until_something_was_told(place: Place) -> None:
    stream = await place.connections.subscribe(ALICE, WANTED)
    tries = []
    for told in (None, None, "1.1.3", None):
        claimed = await _claimed(place.connections, stream)
        tries.append(claimed.tries)
        await place.connections.release(claimed, told)
    assert tries == [1, 2, 3, 1]


async def test_a_claim_whose_answer_was_lost_is_still_its_own(place: Place) -> None:
    stream = await place.connections.subscribe(ALICE, WANTED)
    lost = list[str]()

    def lose(operation: str, request: Json, forward: Forward) -> Answer:
        answer = forward()
        if not lost:
            lost.append(operation)
            raise LostAnswer
        return answer

    place.bench.relay.spoil = lose
    assert isinstance(await place.connections.claim(ALICE.id, stream, 15), Stream)
    assert lost == ["UpdateItem"]


async def test_a_stream_of_a_connection_that_left_is_nobodys(place: Place) -> None:
    await place.connections.add(ALICE)
    stream = await place.connections.subscribe(ALICE, WANTED)
    claimed = await _claimed(place.connections, stream)
    await place.connections.erase(ALICE.id)
    assert not await place.connections.keep(claimed, "1.1.1", 15)
    assert await place.connections.claim(ALICE.id, stream, 15) is None
    await place.connections.erase(ALICE.id)
    assert place.bench.items() == []


async def test_nothing_of_a_connection_lies_where_sessions_lie(place: Place) -> None:
    await place.connections.add(ALICE)
    await place.connections.subscribe(ALICE, WANTED)
    rows = [(row["pk"]["S"], row["sk"]["S"]) for row in place.bench.items()]
    assert {pk for pk, _ in rows} == {f"W#{ALICE.id}"}
    assert sorted(re.sub("#.*", "#", sk) for _, sk in rows) == ["H", "S#"]
    assert all("a" not in row and "m" not in row for row in place.bench.items()), "and it is in no listing"
