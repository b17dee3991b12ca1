"""One conversation through every door of a deployment, until nothing is left of it."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from sessionful.domain.session import SessionKey
from sessionful.stores.dynamodb import keys
from tests.e2e.deployment import Deployment, deployment
from tests.functions.doors import Answer
from tests.functions.events import ALICE, BOB
from tests.functions.stream_door import adapters_headers
from tests.functions.websocket_house import assembled, told, until
from tests.stores.dynamodb_servers import SERVERS
from tests.surfaces.frames import Frame, chunk_text, frames, read

AGENTS = """
sessions: {timeout: 1h}
llms: {words: {type: scripted, delay_ms: 15}}
agents: {assistant: {llm: words}}
"""
SESSIONS = "/agents/assistant/sessions"
TRIP = f"{SESSIONS}/trip"
LARGE = os.urandom(400_000).hex()
"""Too much for the table, however compressed."""


@pytest.fixture(params=SERVERS)
async def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with deployment(request.param, tmp_path, AGENTS) as opened:
        yield opened


async def test_a_conversation_goes_through_all_doors_and_nothing_is_left_of_it(deployed: Deployment) -> None:
    assert deployed.http("POST", SESSIONS, {"session_id": "trip", "state": {"notes": LARGE}}).status == 201
    assert deployed.http("POST", SESSIONS, {"session_id": "brief", "timeout": 1}).status == 201
    assert deployed.objects() != []
    await _talk(deployed)
    said = _history(deployed, "trip")
    assert said == [
        *("by HTTP", "You said: by HTTP (1 messages in view)"),
        *("as a stream", "You said: as a stream (3 messages in view)"),
        *("over a socket", "You said: over a socket (5 messages in view)"),
        *("in the background", "You said: in the background (7 messages in view)"),
    ]
    await _somebody_else_sees_nothing(deployed)
    _fork(deployed, said)
    await until(lambda: not deployed.house.gateway.sockets and deployed.house.idle())
    assert deployed.items("W#") == [], "the connections are gone"
    _expire(deployed, said)


async def _talk(deployed: Deployment) -> None:
    """A turn by each way."""
    answer = deployed.http("POST", f"{TRIP}/messages", {"message": "by HTTP"})
    assert answer.json["response"] == "You said: by HTTP (1 messages in view)"

    async with deployed.stream.client() as client:
        told_to = deployed.http("POST", f"{TRIP}/messages/stream", {"message": "as a stream"})
        assert told_to.status == 307
        heard = await _some(client, told_to.headers["location"], "as a stream")
        resumed = await client.get(
            f"{TRIP}/messages/stream", headers={**adapters_headers(user_id=ALICE), "last-event-id": heard[-1].id}
        )
    whole = [*heard, *read(resumed.content)]
    assert chunk_text(whole) == "You said: as a stream (3 messages in view)"
    assert whole[-1].data == "[DONE]"

    async with connect(f"{deployed.house.gateway.url}?agent=assistant") as socket:
        await socket.send(json.dumps({"message": "over a socket", "session_id": "trip"}))
        assert assembled(await told(socket)) == "You said: over a socket (5 messages in view)"

    later = deployed.http("POST", f"{TRIP}/messages", {"message": "in the background"}, headers=_LATER)
    assert later.status == 202
    await _carried(deployed, later)


_LATER = {"prefer": "respond-async"}


async def _some(client: httpx.AsyncClient, url: str, text: str) -> list[Frame]:
    """Of a stream whose reader loses the line."""
    heard = []
    headers = adapters_headers(user_id=ALICE)
    async with client.stream("POST", url, json={"message": text}, headers=headers) as response:
        assert response.status_code == 200
        async for frame in frames(response):
            heard.append(frame)
            if len(heard) == 3:
                break
    return heard


async def _carried(deployed: Deployment, later: Answer) -> None:
    turn = later.json["turn_id"]
    await until(lambda: turn in [wake["turn"] for wake in deployed.house.heard] and deployed.house.idle())
    assert "ra" not in _head(deployed, "trip"), "a worker has carried it to its end; who asks now only looks"
    assert deployed.http("GET", later.headers["location"]).json["status"] == "completed"


def _history(deployed: Deployment, session: str) -> list[str]:
    told = deployed.http("GET", f"{SESSIONS}/{session}/messages")
    assert told.status == 200, told.body
    assert {message["status"] for message in told.json["messages"]} == {"completed"}
    return [message["text"] for message in told.json["messages"]]


async def _somebody_else_sees_nothing(deployed: Deployment) -> None:
    before = deployed.items("S#")
    turn = deployed.http("GET", f"{TRIP}/messages").json["messages"][0]["turn_id"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", TRIP, None),
        ("PATCH", TRIP, {"title": "mine"}),
        ("DELETE", TRIP, None),
        ("GET", f"{TRIP}/messages", None),
        ("GET", f"{TRIP}/export", None),
        ("POST", f"{TRIP}/fork", {}),
        ("GET", f"{TRIP}/turns/{turn}", None),
        ("POST", f"{TRIP}/turns/{turn}/cancel", None),
        ("POST", f"{TRIP}/messages", {"message": "whose?"}),
    ]
    for method, path, body in asked:
        answer = deployed.http(method, path, body, user_id=BOB)
        assert (answer.status, answer.json["error"]["code"]) == (404, "session_not_found"), (method, path)
    assert deployed.http("GET", SESSIONS, user_id=BOB).json["sessions"] == []
    async with deployed.stream.client() as client:
        for method, path in (("GET", f"{TRIP}/messages/stream"), ("GET", TRIP), ("GET", f"{TRIP}/messages")):
            refused = await client.request(method, path, headers=adapters_headers(user_id=BOB))
            assert (refused.status_code, refused.json()["error"]["code"]) == (404, "session_not_found")
    deployed.house.gateway.user = BOB
    async with connect(f"{deployed.house.gateway.url}?agent=assistant") as socket:
        await socket.send(json.dumps({"resume": {"session_id": "trip", "after": "1.1.0"}}))
        (error, *_) = await told(socket)
        assert error["error"]["code"] == "session_not_found"
    deployed.house.gateway.user = ALICE
    assert deployed.items("S#") == before, "and has changed nothing"


def _fork(deployed: Deployment, said: list[str]) -> None:
    """Two branches: one goes on, the other is erased at once."""
    for name in ("branch", "twig"):
        assert deployed.http("POST", f"{TRIP}/fork", {"session_id": name}).status == 201
    answer = deployed.http("POST", f"{SESSIONS}/branch/messages", {"message": "elsewhere"})
    assert answer.json["response"] == "You said: elsewhere (9 messages in view)"
    assert deployed.http("DELETE", f"{SESSIONS}/twig").status == 204
    assert _history(deployed, "trip") == said
    assert deployed.http("GET", f"{SESSIONS}/twig").status == 404
    assert _rows(deployed, "twig") == []


def _expire(deployed: Deployment, said: list[str]) -> None:
    """The table's own expiry takes the sessions, one after the other."""
    over = deployed.http("GET", f"{SESSIONS}/brief")
    assert (over.status, over.json["error"]["code"]) == (410, "session_expired"), "though it is still in the table"
    deployed.sweep(expired=_log(deployed, "brief"))
    assert _rows(deployed, "brief") == []

    deployed.sweep(expired=_log(deployed, "trip"))
    assert deployed.http("GET", TRIP).status == 404
    assert _history(deployed, "branch") == [*said, "elsewhere", "You said: elsewhere (9 messages in view)"]
    kinds = {item["sk"]["S"].partition("#")[0] for item in _rows(deployed, "trip")}
    assert kinds == {keys.ENTRY, keys.REMAINS}, "of the parent there is what the fork can see, and who holds on to it"

    deployed.sweep(expired=_log(deployed, "branch"))
    assert deployed.http("GET", f"{SESSIONS}/branch").status == 404
    marks = deployed.items()
    assert all(mark.keys() == {"pk", "sk", "g", "ttl"} for mark in marks), "they say nothing, and go by themselves"
    assert len(marks) <= 1
    assert deployed.objects() == []


def _rows(deployed: Deployment, session: str) -> list[dict[str, Any]]:
    return deployed.items(keys.partition(SessionKey(ALICE, "assistant", session)))


def _head(deployed: Deployment, session: str) -> dict[str, Any]:
    (head,) = [item for item in _rows(deployed, session) if item["sk"]["S"] == keys.HEAD]
    return head


def _log(deployed: Deployment, session: str) -> str:
    log: str = _head(deployed, session)["g"]["S"]
    return log
