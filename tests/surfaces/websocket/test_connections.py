"""Connections: who gets one, how slowly it may be read, and how it ends."""

import asyncio
import json
import socket

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from sessionful.domain.error import Unauthenticated
from sessionful.surfaces.http.app import create_app
from tests.surfaces.house import Gate, a_service, until
from tests.surfaces.websocket.sockets import House, Talk, a_house, serving, text


async def bearer(connection: HTTPConnection) -> str:
    for offered in connection.headers.get("sec-websocket-protocol", "").split(","):
        if offered.strip().startswith("bearer."):
            return offered.strip().removeprefix("bearer.")
    raise Unauthenticated("a token is needed")


async def refused(house: House, path: str = "/agents/assistant/stream", **options: object) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as error:
        async with connect(house.url + path, proxy=None, **options):  # type: ignore[arg-type]
            pass
    response = error.value.response
    body = json.loads(response.body or b"{}")
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["error"]["code"]


async def test_an_unknown_agent_is_not_found_before_the_connection_is_made() -> None:
    async with serving() as house:
        assert await refused(house, "/agents/asistant/stream") == (404, "agent_not_found")


async def test_who_does_not_say_who_it_is_gets_no_connection() -> None:
    async with a_house(create_app(a_service("Hello."), owner=bearer)) as house:
        assert await refused(house) == (401, "unauthenticated")
        async with house.talk(protocols=["sessionful.v1", "bearer.alice"]) as talk:
            assert talk.connection.subprotocol == "sessionful.v1"
            heard = await talk.ask(message="Hi")
            assert text(heard) == "Hello."
        async with house.talk(protocols=["sessionful.v1", "bearer.bob"]) as talk:
            error, *_ = await talk.ask(resume={"session_id": heard[0]["session_id"]})
            assert error["error"]["code"] == "session_not_found"


async def test_a_token_is_never_sent_back() -> None:
    async with a_house(create_app(a_service(), owner=bearer)) as house:
        offered = [Subprotocol("bearer.alice")]
        async with connect(f"{house.url}/agents/assistant/stream", proxy=None, subprotocols=offered) as connection:
            assert connection.subprotocol is None
            assert connection.response is not None
            assert "alice" not in str(connection.response.headers)


async def test_a_page_of_a_foreign_origin_gets_no_connection() -> None:
    async with serving("Hello.") as house:
        assert await refused(house, origin=Origin("https://elsewhere.example")) == (403, "forbidden")
        async with house.talk(origin=Origin("http://localhost:3000")) as talk:
            assert text(await talk.ask(message="Hi")) == "Hello."


async def test_a_server_that_stops_lets_go_of_the_turns_and_says_so() -> None:
    gate = Gate("One", " two")
    async with serving(gate) as house, house.talk() as talk, house.talk() as idle:
        await talk.say(message="Hi", session_id="s1")
        gate.let()
        await talk.some(2)
        await house.stop()
        error, done = await talk.whole()
        assert error["error"]["code"] == "turn_interrupted" and done["status"] == "interrupted"
        for each in (talk, idle):
            with pytest.raises(ConnectionClosed) as closed:
                await each.next()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012


def waiting(house: House) -> int:
    """Bytes that the server keeps for clients that do not read."""
    return sum(one.transport.get_write_buffer_size() for one in house.server.server_state.connections)


async def test_a_slow_reader_loses_nothing_holds_up_no_turn_and_fills_no_memory() -> None:
    words = [f"{number:06} {'x' * 8000}\n" for number in range(1200)]
    gate = Gate(*words)
    gate.let(len(words))
    async with serving(gate, "Quick.") as house:
        with socket.create_connection(("127.0.0.1", int(house.url.rpartition(":")[2]))) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
            path = f"{house.url}/agents/assistant/stream"
            async with connect(path, sock=slow, proxy=None, compression=None, max_queue=2, close_timeout=1) as reading:
                talk = Talk(reading)
                await talk.say(message="Hi", session_id="s1")
                turn_id = (await talk.next())["turn_id"]
                turn = await house.service.find_turn("local", "assistant", "s1", turn_id)
                assert (await turn.result(wait=20)).status == "completed"
                await until(lambda: waiting(house) > 0)
                await asyncio.sleep(0.2)
                assert 0 < waiting(house) < 200_000
                async with house.talk() as other:
                    assert text(await other.ask(message="Hi")) == "Quick."
                assert text(await talk.whole()) == "".join(words)


async def test_a_reader_that_never_comes_back_is_let_go_with_its_connection() -> None:
    gate = Gate(*["x" * 8000] * 800)
    gate.let(800)
    async with serving(gate) as house:
        async with house.talk(compression=None, max_queue=1) as talk:
            await talk.say(message="Hi", session_id="s1")
            await talk.next()
            await until(lambda: gate.said == 800)
            talk.connection.transport.abort()
        await until(lambda: not house.server.server_state.connections)
        await until(lambda: not house.server.server_state.tasks)
