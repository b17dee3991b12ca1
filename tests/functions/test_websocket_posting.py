"""Frames on their way: tried again while there is hope, and no longer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from functions.connections.posting import Gone, Posting
from sessionful.domain.error import RateLimited, StoreUnavailable
from tests.functions.cloud import AWS
from tests.functions.events import Event
from tests.functions.websocket_gateway import Gateway


async def _well(event: Event) -> dict[str, Any]:
    return {"statusCode": 200}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway(_well) as gateway:
        yield gateway


@pytest.fixture
async def socket(gateway: Gateway) -> AsyncIterator[ClientConnection]:
    async with connect(gateway.url) as socket:
        yield socket


@pytest.fixture
async def posting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Posting]:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    posting = Posting()
    yield posting
    await posting.close()


def place(gateway: Gateway) -> tuple[str, str]:
    (connection,) = gateway.sockets
    return f"http://{gateway.host}/v1", connection


async def test_a_frame_arrives_as_text_whatever_it_says(
    gateway: Gateway, socket: ClientConnection, posting: Posting
) -> None:
    for text in ('{"chunk": "é 🙂 \\u2028"}', "x" * 24_000):
        await posting.post(*place(gateway), text)
        assert await socket.recv() == text


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_passes_is_tried_again_and_sent_once(
    gateway: Gateway, socket: ClientConnection, posting: Posting, status: int
) -> None:
    answers = [status, status]
    gateway.refuse = lambda connection, text: answers.pop() if answers else None
    await posting.post(*place(gateway), "{}")
    assert await socket.recv() == "{}"
    assert len(gateway.posts) == 1


async def test_what_is_refused_for_good_is_not_tried_again(
    gateway: Gateway, socket: ClientConnection, posting: Posting
) -> None:
    asked = []

    def forbid(connection: str, text: str) -> int:
        asked.append(text)
        return 403

    gateway.refuse = forbid
    with pytest.raises(StoreUnavailable):
        await posting.post(*place(gateway), "{}")
    assert asked == ["{}"]


async def test_a_client_that_takes_nothing_is_not_waited_for_for_ever(
    gateway: Gateway, socket: ClientConnection, posting: Posting
) -> None:
    gateway.refuse = lambda connection, text: 429
    with pytest.raises(RateLimited):
        await posting.post(*place(gateway), "{}")


async def test_a_connection_that_is_gone_is_told_as_gone(gateway: Gateway, posting: Posting) -> None:
    with pytest.raises(Gone):
        await posting.post(f"http://{gateway.host}/v1", "nobody=", "{}")
    with pytest.raises(Gone):
        await posting.hang_up(f"http://{gateway.host}/v1", "nobody=")


async def test_an_endpoint_that_does_not_answer_is_unavailable(posting: Posting) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        await posting.post("http://127.0.0.1:1/v1", "somebody=", "{}")
    assert "127.0.0.1" not in str(refused.value)
