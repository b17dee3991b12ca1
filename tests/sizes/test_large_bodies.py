"""Large bodies over HTTP: up to the limit they are turns like any other, above it nothing is written."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from sessionful.surfaces.http.app import create_app
from tests.contracts.databases import new_sqlite
from tests.contracts.samples import noise
from tests.sizes.stores import SqlLog
from tests.sizes.talk import AGENT, long_words, talk
from tests.surfaces.house import client_of

PICTURE = {"type": "image", "media_type": "image/png", "data": noise(4_000_000)}
REPLY = long_words(900_000)
TOO_LARGE = long_words(6_400_000)
SESSION = f"/agents/{AGENT}/sessions/s1"
TURNS = ("messages", "message", "tasks", "messages/stream")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Of a server over SQLite whose model gives a long answer."""
    async with (
        talk(SqlLog.open(new_sqlite()), [REPLY]) as house,
        client_of(create_app(house.service)) as client,
    ):
        assert (await client.post(f"/agents/{AGENT}/sessions", json={"session_id": "s1"})).status_code == 201
        yield client


async def test_an_image_goes_in_by_a_message_and_comes_out_of_history_export_and_import(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(f"{SESSION}/messages", json={"message": [{"text": "What is it?"}, PICTURE]})
    assert (answer.status_code, answer.json()["response"]) == (200, REPLY)
    (first, second) = (await client.get(f"{SESSION}/messages")).json()["messages"]
    assert {"media_type": "image/png", "data": PICTURE["data"]}.items() <= first["parts"][1].items()
    assert second["text"] == REPLY
    document = (await client.get(f"{SESSION}/export")).json()
    again = await client.post(f"/agents/{AGENT}/sessions/import", json={**document, "session_id": "s2"})
    assert again.status_code == 201
    assert (await client.get(f"{SESSION.replace('s1', 's2')}/messages")).json()["messages"][0]["parts"] == first[
        "parts"
    ]


@pytest.mark.parametrize("path", TURNS)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused_before_anything_is_written(
    client: httpx.AsyncClient, path: str, chunked: bool
) -> None:
    body = json.dumps({"message": TOO_LARGE, "input": TOO_LARGE[:10]}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k1"}
    before = (await client.get(SESSION)).json()
    refused = await client.post(f"{SESSION}/{path}", content=_slowly(body) if chunked else body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "payload_too_large")
    assert refused.json()["error"]["details"] == {"limit": 6 * 1024 * 1024}
    assert (await client.get(SESSION)).json() == before
    assert (await client.get(f"{SESSION}/messages")).json()["messages"] == []


async def test_a_key_whose_request_was_refused_for_its_size_is_free_for_a_smaller_one(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert (await client.post(f"{SESSION}/messages", json={"message": TOO_LARGE}, headers=headers)).status_code == 413
    answer = await client.post(f"{SESSION}/messages", json={"message": "Shorter"}, headers=headers)
    assert (answer.status_code, answer.json()["response"]) == (200, REPLY)


@pytest.mark.parametrize("path", ["sessions", "sessions/import"])
async def test_a_session_that_would_be_too_large_is_not_made(client: httpx.AsyncClient, path: str) -> None:
    past = [{"role": "user", "content": TOO_LARGE}]
    body = {"session_id": "s2", "version": 1, "messages": past}
    refused = await client.post(f"/agents/{AGENT}/{path}", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "payload_too_large")
    assert (await client.get(f"/agents/{AGENT}/sessions/s2")).status_code == 404


async def test_settings_no_store_takes_are_refused_and_the_old_ones_stay(client: httpx.AsyncClient) -> None:
    kept = {"state": {"notes": "short"}, "metadata": {"a": long_words(5_000_000)}}
    assert (await client.patch(SESSION, json=kept)).status_code == 200
    refused = await client.patch(SESSION, json={"state": {"b": long_words(5_000_000)}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "payload_too_large")
    assert kept.items() <= (await client.get(SESSION)).json().items()


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    """Without a length beforehand."""
    for start in range(0, len(body), 1_000_000):
        yield body[start : start + 1_000_000]
