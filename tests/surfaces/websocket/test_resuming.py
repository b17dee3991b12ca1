"""Over sockets: a client that comes back hears what it missed, wherever the turn is by then."""

from typing import Any

import pytest

from sessionful.core.service import Service
from sessionful.domain.session import NewSession
from sessionful.stores.in_memory import InMemoryLog
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import Gate, an_agent
from tests.surfaces.websocket.sockets import Told, a_house, serving, text

POEM = "Tout ce qui brille — n'est pas or. 🙂\nNot all that glitters is gold; " * 4
ASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chunks": ({"message": "Hi", "session_id": "s1"}, {}),
    "task": ({"taskId": "t1", "input": {"content": "Hi"}, "context": {"sessionId": "s1"}}, {"taskId": "t1"}),
}
forms = pytest.mark.parametrize("form", ASKS)


@forms
@pytest.mark.parametrize("sizes", [(4, 9), (9, 4), (None, 1)])
async def test_the_rest_comes_from_another_server_in_another_chunk_size(
    form: str, sizes: tuple[int | None, int | None]
) -> None:
    ask, also = ASKS[form]
    log = InMemoryLog()
    first, second = [
        create_app(Service([an_agent(log, replies=[POEM], streaming={"chunk_size": size})])) for size in sizes
    ]
    async with a_house(first) as house:
        await house.service.create_session("local", "assistant", NewSession(session_id="s1"))
        async with house.talk() as talk:
            await talk.say(**ask)
            heard = [await talk.next()]
            while len(text(heard)) < len(POEM) // 3:
                heard.append(await talk.next())
        async with a_house(second) as other, other.talk() as talk:
            heard += await talk.ask(resume={"session_id": "s1", "after": heard[-1]["id"], **also})
    assert text(heard) == POEM


async def test_a_client_joins_the_turn_that_runs_and_then_waits_for_the_next() -> None:
    gate = Gate("One", " two")
    async with serving(gate, "Next.") as house, house.talk() as talk, house.talk() as other:
        await talk.say(message="Hi", session_id="s1")
        gate.let()
        await talk.some(2)
        await other.say(resume={"session_id": "s1"})
        joined = await other.some(2)
        gate.let()
        joined += await other.whole()
        assert text(joined) == "One two" and joined[0]["started"] is True
        await other.say(resume={"session_id": "s1", "after": joined[-1]["id"]})
        await talk.whole()
        await talk.ask(message="And?", session_id="s1")
        following = await other.whole()
        assert text(following) == "Next." and following[0]["turn_id"] != joined[0]["turn_id"]


async def test_a_turn_is_told_once_on_a_connection_that_also_follows_its_session() -> None:
    async with serving("One.", "Two.", "Three.") as house, house.talk() as talk, house.talk() as other:
        await talk.ask(message="Hi", session_id="s1")
        await talk.say(resume={"session_id": "s1"})
        heard = await talk.ask(message="And?", session_id="s1")
        assert text(heard) == "Two."
        await other.ask(message="Me too", session_id="s1")
        assert text(await talk.whole()) == "Three."


async def test_what_cannot_be_resumed_is_said() -> None:
    async with serving("Hello.") as house, house.talk() as talk:
        error, done = await talk.ask(resume={"session_id": "nowhere"})
        assert error["error"]["code"] == "session_not_found" and error["session_id"] == "nowhere"
        await talk.ask(message="Hi", session_id="s1")
        error, done = await talk.ask(resume={"session_id": "s1", "after": "9.1.1"})
        assert error["error"]["code"] == "invalid_request" and done["done"] is True
        error, done = await talk.ask(resume={"session_id": "s1", "agent_id": "other"})
        assert error["error"]["details"]["field"] == "agent_id"


@forms
async def test_behind_its_end_only_the_end_is_told_again(form: str) -> None:
    ask, also = ASKS[form]
    async with serving("One.") as house, house.talk() as talk:
        await house.service.create_session("local", "assistant", NewSession(session_id="s1"))
        heard = await talk.ask(**ask)
        before_the_end: list[Told] = await talk.ask(resume={"session_id": "s1", "after": heard[-2]["id"], **also})
        assert text(before_the_end) == ""
        assert before_the_end[-1]["id"] == heard[-1]["id"]
