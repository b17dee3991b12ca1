"""The door `stream` over a socket, started as the Web Adapter's layer starts it and told what the adapter tells."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.auth.issuer import AUDIENCE, LocalIssuer
from tests.functions.cloud import Cloud
from tests.functions.events import ALICE, BOB
from tests.functions.stream_door import StreamDoor, adapters_headers, stream_door
from tests.functions.working import a_worker
from tests.surfaces.frames import Frame, chunk_text, frames, read, typed_text

WORDS = [f"w{number}" for number in range(12)]
DELAY = 0.25
AGENTS = f"""
llms:
  slow: {{type: scripted, replies: ["{" ".join(WORDS)}"], delay_ms: {DELAY * 1000:.0f}}}
  words: {{type: scripted, replies: ["Hello from a function"]}}
agents:
  slow: {{llm: slow}}
  assistant: {{llm: words}}
"""
SLOW = "/agents/slow/sessions/s1/messages/stream"
HI = {"message": "Hi"}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path, AGENTS)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamDoor]:
    """One for the tests that do not mind each other."""
    made = Cloud(tmp_path_factory.mktemp("cloud"), AGENTS)
    wanted = {**made.environment, "SESSIONFUL_AUTH": "iam", "SESSIONFUL_ORIGINS": "https://app.example.com"}
    with stream_door(wanted) as opened:
        yield opened


async def made(client: httpx.AsyncClient) -> None:
    told = await client.post("/agents/slow/sessions", json={"id": "s1"}, headers=adapters_headers())
    assert told.status_code == 201, told.text


async def whole(
    client: httpx.AsyncClient, method: str, path: str, seconds: float = 60.0, body: Any = None, **headers: str
) -> list[Frame]:
    sent = {**adapters_headers(seconds), **headers}
    response = await client.request(method, path, headers=sent, json=body)
    assert response.status_code == 200, response.text
    return read(response.content)


async def test_words_arrive_as_they_are_said(house: StreamDoor) -> None:
    async with house.client() as client:
        begun, arrived = time.monotonic(), []
        request = client.build_request(
            "POST", "/agents/slow/messages/stream", json=HI, headers=adapters_headers(user_id=ALICE)
        )
        response = await client.send(request, stream=True)
        assert response.status_code == 200 and "content-length" not in response.headers
        async for frame in frames(response):
            arrived.append((time.monotonic() - begun, frame))
        assert chunk_text([frame for _, frame in arrived]) == " ".join(WORDS)
        assert arrived[-1][1].data == "[DONE]"
        assert arrived[0][0] < arrived[-1][0] / 2, "the first word came long before the last was said"
        spread = arrived[-1][0] - arrived[0][0]
        assert spread > DELAY * (len(WORDS) - 2), "and the others one by one"


async def test_every_route_is_served_and_a_session_is_its_callers(house: StreamDoor) -> None:
    async with house.client() as client:
        alice, bob = adapters_headers(user_id=ALICE), adapters_headers(user_id=BOB)
        await client.post("/agents/assistant/sessions", json={"id": "m"}, headers=alice)
        path = "/agents/assistant/sessions/m"
        whole = await client.post(f"{path}/messages", json=HI, headers=alice)
        assert whole.json()["response"] == "Hello from a function"
        typed = await client.post("/sessions/m/message/stream", json=HI, headers=alice)
        assert typed_text(read(typed.content)) == "Hello from a function"
        assert (await client.get(f"{path}/messages", headers=bob)).json()["error"]["code"] == "session_not_found"
        assert (await client.delete(path, headers=alice)).status_code == 204
        assert (await client.get("/agents", headers=adapters_headers())).status_code == 401
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_it_tells_browsers_itself_which_pages_may_ask(house: StreamDoor) -> None:
    async with house.client() as client:
        asks = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
        preflight = await client.options("/agents/assistant/messages/stream", headers={**adapters_headers(), **asks})
        assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
        foreign = {**adapters_headers(user_id=ALICE), "origin": "https://evil.example"}
        assert (await client.post("/agents/assistant/messages", json=HI, headers=foreign)).status_code == 403


async def test_errors_have_their_status_and_the_body_of_all_errors(house: StreamDoor) -> None:
    async with house.client() as client:
        alice = adapters_headers(user_id=ALICE)
        missing = await client.post("/sessions/none/message/stream", json=HI, headers=alice)
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "session_not_found")
        broken = await client.post("/agents/slow/messages/stream", content=b"{", headers=alice)
        assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_request")


async def test_a_reader_that_lost_the_line_goes_on_behind_its_last_frame_at_another_process(cloud: Cloud) -> None:
    with stream_door(cloud.environment) as one, stream_door(cloud.environment) as other:
        async with one.client() as first, other.client() as second:
            await made(first)
            seen: list[Frame] = []
            async with first.stream("POST", SLOW, json=HI, headers=adapters_headers()) as response:
                async for frame in frames(response):
                    seen.append(frame)
                    if len(seen) == 3:
                        break
            async with a_worker(cloud):
                later = await whole(second, "GET", SLOW, **{"last-event-id": seen[-1].id})
            assert chunk_text([*seen, *later]) == " ".join(WORDS)
            assert [frame.data for frame in later].count("[DONE]") == 1


async def test_at_its_deadline_a_stream_ends_unfinished_and_its_turn_goes_on_elsewhere(cloud: Cloud) -> None:
    with stream_door(cloud.environment) as one, stream_door(cloud.environment) as other:
        async with one.client() as first, other.client() as second:
            await made(first)
            begun = time.monotonic()
            cut = await whole(first, "POST", SLOW, seconds=3.5, body=HI)
            assert time.monotonic() - begun < 3.5, "it ended before the function would have been stopped"
            assert cut and all(frame.event == "message" and frame.data != "[DONE]" for frame in cut)
            (wake,) = cloud.alarms()
            assert (wake["owner"], wake["agent"], wake["session"]) == ("local", "slow", "s1")
            async with a_worker(cloud):
                later = await whole(second, "GET", SLOW, **{"last-event-id": cut[-1].id})
            assert later[-1].data == "[DONE]"
            assert chunk_text([*cut, *later]) == " ".join(WORDS)
            record = await second.get(f"/agents/slow/sessions/s1/turns/{wake['turn']}", headers=adapters_headers())
            assert (record.json()["status"], record.json()["response"]) == ("completed", " ".join(WORDS))


async def test_who_follows_a_session_in_which_nothing_happens_is_let_go_at_the_deadline(cloud: Cloud) -> None:
    with stream_door(cloud.environment) as door:
        async with door.client() as client:
            await made(client)
            begun = time.monotonic()
            assert await whole(client, "GET", SLOW, seconds=3.0) == []
            assert 0.8 < time.monotonic() - begun < 3.0


async def test_an_answer_is_over_only_when_nothing_is_under_way(cloud: Cloud) -> None:
    """The client that waits no longer is answered; the process that is frozen then has handed its turn over."""
    with stream_door(cloud.environment) as door:
        async with door.client() as client:
            await made(client)
            path = "/agents/slow/sessions/s1/messages"
            told = await client.post(path, json=HI, headers={**adapters_headers(), "prefer": "wait=1"})
            assert told.status_code == 202
            assert told.json()["turn_id"] in [wake["turn"] for wake in cloud.alarms()]
            before = cloud.items()
            await asyncio.sleep(3 * DELAY)
            assert cloud.items() == before, "nothing was written after the answer"


async def test_where_tokens_are_asked_for_a_session_is_its_tokens_and_the_adapters_word_counts_for_nothing(
    tmp_path: Path,
) -> None:
    async with LocalIssuer() as issuer:
        auth = f"auth: {{issuer: {issuer.url}, audience: {AUDIENCE}, jwks_url: {issuer.jwks_url}}}"
        environment = {**Cloud(tmp_path, f"{auth}\n{AGENTS}").environment, "SESSIONFUL_AUTH": "jwt"}
        with stream_door(environment) as door:
            async with door.client() as client:
                adapters = adapters_headers(user_id="ann")
                ann = {**adapters, "authorization": f"Bearer {issuer.token()}"}
                bob = {**adapters, "authorization": f"Bearer {issuer.token(sub='bob')}"}
                path = "/agents/assistant/sessions/s1"
                assert (
                    await client.post("/agents/assistant/sessions", json={"id": "s1"}, headers=ann)
                ).status_code == 201
                told = await client.post(f"{path}/messages/stream", json=HI, headers=ann)
                assert chunk_text(read(told.content)) == "Hello from a function"
                assert (await client.get(path, headers=bob)).json()["error"]["code"] == "session_not_found"
                assert (await client.get(path, headers=adapters)).json()["error"]["code"] == "unauthenticated"


def test_a_door_that_cannot_open_says_why(cloud: Cloud) -> None:
    door = StreamDoor({**cloud.environment, "SESSIONFUL_AUTH": ""})
    with pytest.raises(AssertionError, match="SESSIONFUL_AUTH has to be one of iam, jwt, none"):
        door.wait_until_ready()
