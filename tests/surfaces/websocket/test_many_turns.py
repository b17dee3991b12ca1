"""Many turns on one connection, and those of other connections."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest

from sessionful.domain.usage import Usage
from sessionful.ports import Finish, ModelRequest, Piece, TextPiece
from tests.surfaces.house import Gate, until
from tests.surfaces.websocket.sockets import Told, closing, serving, text


async def echoes(request: ModelRequest) -> AsyncIterator[Piece]:
    """Word by word, letting the others have their turn in between."""
    for word in request.messages[-1].text.split():
        await asyncio.sleep(0.001)
        yield TextPiece(f"{word} ")
    yield Finish("end_turn", Usage())


async def test_turns_of_many_sessions_run_side_by_side_and_are_never_mixed_up() -> None:
    said = {f"s{number}": " ".join(f"{number}-{word}" for word in range(20)) for number in range(10)}
    async with serving(*[echoes] * 10) as house, house.talk() as talk:
        for session_id, words in said.items():
            await talk.say(message=words, session_id=session_id)
        heard = await talk.whole(turns=10)
        for session_id, words in said.items():
            assert text(told for told in heard if told["session_id"] == session_id) == f"{words} "
        turns = [told["turn_id"] for told in heard]
        changes = sum(one != other for one, other in pairwise(turns))
        assert changes > 20, "they were told one after the other"


async def test_more_turns_than_the_limit_are_refused_until_one_ends() -> None:
    gates = [Gate("Done.") for _ in range(33)]
    async with serving(*gates) as house, house.talk() as talk:
        for number in range(32):
            await talk.say(message="Hi", session_id=f"s{number}")
            await talk.next()
        error, closed = await talk.ask(message="Hi", session_id="s32")
        assert error["error"]["code"] == "rate_limited" and closed["status"] == "refused"
        await talk.say(cancel="nothing", session_id="s0")
        assert (await talk.next())["error"]["code"] == "turn_not_found"
        gates[0].let()
        assert text(await talk.whole()) == "Done."
        await talk.say(message="Hi", session_id="s32")
        assert (await talk.next())["started"] is True


async def test_a_turn_is_cancelled_by_its_id() -> None:
    gate = Gate("One", " two")
    async with serving(gate, "Next.") as house, house.talk() as talk:
        await talk.say(message="Hi", session_id="s1")
        gate.let()
        turn_id = (await talk.some(2))[0]["turn_id"]
        await talk.say(cancel=turn_id)
        error, done = await talk.whole()
        assert error["error"]["code"] == "turn_cancelled" and done["status"] == "cancelled"
        assert text(await talk.ask(message="Go on", session_id="s1")) == "Next."


async def test_a_turn_of_another_connection_is_cancelled_by_session_and_id() -> None:
    gate = Gate("One", " two")
    async with serving(gate) as house, house.talk() as talk, house.talk() as other:
        await talk.say(message="Hi", session_id="s1")
        gate.let()
        turn_id = (await talk.some(2))[0]["turn_id"]
        await other.say(cancel=turn_id, session_id="s1")
        assert await other.next() == {"cancel": turn_id, "session_id": "s1", "status": "cancelled"}
        assert (await talk.whole())[-1]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("concurrency", "ends", "said"),
    [
        ("enqueue", ["completed", "completed"], ["One two", "Next."]),
        ("interrupt", ["cancelled", "completed"], ["One", "Next."]),
        ("rollback", ["cancelled", "completed"], ["One", "Next."]),
    ],
)
async def test_a_second_message_meets_a_running_turn(concurrency: str, ends: list[str], said: list[str]) -> None:
    gate = Gate("One", " two")
    async with serving(gate, "Next.", concurrency=concurrency) as house, house.talk() as talk:
        await talk.say(message="Hi", session_id="s1")
        gate.let()
        heard = await talk.some(2)
        await talk.say(message="And?", session_id="s1")
        while len({told["turn_id"] for told in heard}) == 1:
            heard.append(await talk.next())
        gate.let()
        heard += await talk.whole(turns=2 - sum(map(closing, heard)))
        turns = {told["turn_id"]: list[Told]() for told in heard}
        for told in heard:
            turns[told["turn_id"]].append(told)
        assert [one[-1]["status"] for one in turns.values()] == ends
        assert [text(one) for one in turns.values()] == said


async def test_a_turn_that_waits_can_be_cancelled_before_it_begins() -> None:
    gate = Gate("One")
    async with serving(gate, "Never.", "Third.", concurrency="enqueue") as house, house.talk() as talk:
        await talk.say(message="Hi", session_id="s1")
        await talk.next()
        await talk.say(message="Wait", session_id="s1")
        waiting = (await talk.next())["turn_id"]
        await talk.say(cancel=waiting)
        await until_cancelled(house.http, waiting)
        gate.let()
        heard = await talk.whole(turns=2)
        assert text(told for told in heard if told["turn_id"] == waiting) == ""
        assert [told["status"] for told in heard if told.get("done")] == ["completed", "cancelled"]


async def until_cancelled(url: str, turn_id: str) -> None:
    """The word is left with the turn where it waits; its own frames come when it is its time."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await client.delete(f"/sessions/s1/turns/{turn_id}")


async def test_a_client_that_goes_away_does_not_stop_its_turns() -> None:
    gate = Gate("One", " two")
    async with serving(gate) as house:
        async with house.talk() as talk:
            await talk.say(message="Hi", session_id="s1")
            gate.let()
            heard = await talk.some(2)
        gate.let()
        turn = await house.service.find_turn("local", "assistant", "s1", heard[0]["turn_id"])
        assert (await turn.result(wait=10)).response == "One two"


async def test_connections_that_come_and_go_leave_nothing_behind() -> None:
    gate = Gate("One", " two")
    async with serving(gate) as house:
        async with house.talk() as talk:
            await talk.say(message="Hi", session_id="s1")
            await talk.next()
        before = len(asyncio.all_tasks())

        async def come_and_go(number: int) -> None:
            async with house.talk() as talk:
                await talk.say(resume={"session_id": "s1"})
                await talk.next()
                if number % 2:
                    talk.connection.transport.abort()

        for start in range(0, 200, 20):
            await asyncio.gather(*(come_and_go(start + number) for number in range(20)))
        await until(lambda: len(asyncio.all_tasks()) <= before)
        gate.let(2)
