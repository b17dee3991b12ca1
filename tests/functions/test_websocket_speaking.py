"""What a client says is durable before it is answered, and nothing that fails later takes it back."""

import json
from typing import Any

from functions.connections.speaking import SAFETY_SECONDS, Speaking
from sessionful.core.deadline import within
from sessionful.core.service import Service
from sessionful.surfaces.websocket.subscription import Subscription
from tests.functions.tellers import Bureau, bureau
from tests.functions.websocket_events import frame_event
from tests.stores.dynamodb_relay import Answer, Forward, Json

PATIENCE = 20
"""Seconds, as the door has it."""


async def say(here: Bureau, service: Service, **fields: Any) -> None:
    speaking = Speaking(service, here.connections, here.posting, here.wakes)
    with within(PATIENCE):
        await speaking.hear(frame_event(here.connection.id, json.dumps(fields), here.gateway.host))
        await service.rest()


async def test_a_message_is_admitted_and_left_to_a_worker_who_is_told_whom_to_tell() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)
        await say(here, here.service(), message="hi", session_id="s1")
        assert here.model.requests == []
        assert [delay for _, delay, _ in here.wakes.set_for] == [SAFETY_SECONDS, 0]
        wake, _, more = here.wakes.set_for[1]
        assert wake.key == ("alice", "assistant", "s1")
        await here.tellers(here.service()).tell(wake, **more["tell"])
        assert (await here.frame())["turn_id"] == wake.turn_id
        assert (await here.frame())["chunk"] == "hello"


async def test_a_turn_whose_stream_cannot_be_begun_is_carried_all_the_same() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)

        def refuse(operation: str, request: Json, forward: Forward) -> Answer:
            if request.get("Item", {}).get("sk", {}).get("S", "").startswith("S#"):
                return Answer(400, [], json.dumps({"__type": "x#ValidationException"}).encode())
            return forward()

        here.bench.relay.spoil = refuse
        await say(here, here.service(), message="hi", session_id="s1")
        error, closing = await here.frame(), await here.frame()
        assert error["error"]["code"] == "store_unavailable"
        assert (closing["done"], closing["status"]) == (True, "unknown")
        ((wake, delay, _),) = here.wakes.set_for
        assert (wake.turn_id, delay) == (error["turn_id"], SAFETY_SECONDS)
        worker = here.service()
        await worker.look_after(wake)
        assert (await worker.get_turn("alice", "assistant", "s1", wake.turn_id)).response == "hello"


async def test_a_message_that_could_not_be_admitted_is_refused() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)
        here.bench.relay.spoil = lambda operation, request, forward: (
            Answer(400, [], b'{"__type": "x#ValidationException"}') if operation == "UpdateItem" else forward()
        )
        await say(here, here.service(), message="hi", session_id="s1")
        error, closing = await here.frame(), await here.frame()
        assert error["error"]["code"] == "store_unavailable"
        assert (closing["done"], closing["status"]) == (True, "refused")
        assert here.wakes.set_for == []
        assert here.rows() == ["H"]


async def test_the_door_carries_no_turn_also_one_whose_holder_died() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)
        await say(here, here.service(), message="one", session_id="s1")
        here.clock.advance(60_000)
        await say(here, here.service(), message="two", session_id="s1")
        first = here.wakes.set_for[0][0]
        await say(here, here.service(), cancel=first.turn_id, session_id="s1")
        assert here.model.requests == []
        turns = {wake.turn_id for wake, _, more in here.wakes.set_for if more}
        assert len(turns) == 2, "both are for a worker"


async def test_a_connection_is_told_of_so_many_turns_at_once_and_no_more() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)
        for number in range(32):
            wanted = Subscription(owner="alice", agent="assistant", session_id="s1", turn_id=f"turn_{number}_x")
            await here.connections.subscribe(here.connection, wanted)
        await say(here, here.service(), message="hi", session_id="s1")
        assert (await here.frame())["error"]["code"] == "rate_limited"
        assert here.wakes.set_for == []


async def test_a_turn_that_is_told_already_is_not_told_twice_at_a_time() -> None:
    async with bureau("hello") as here:
        await here.connections.add(here.connection)
        for _ in range(2):
            await say(here, here.service(), message="hi", session_id="s1", request_id="once")
        assert len([delay for _, delay, more in here.wakes.set_for if more]) == 1
        assert (await here.frame())["started"] is True
