"""The adapter for Bedrock: connections, credentials, refusals and retries."""

import asyncio
import time
from typing import Any

import boto3
import pytest

from sessionful.domain.error import (
    AgentError,
    ConfigError,
    ModelAuthentication,
    ModelError,
    ModelUnavailable,
    RateLimited,
)
from sessionful.models.bedrock import BedrockModel
from sessionful.ports import TextPiece
from tests.models.asking import Naps, a_request, answer, patient, text_of
from tests.models.bedrock_server import CLAUDE, HELLO, SECRET, STREAM, Made, refusal, says
from tests.models.eventstream import event
from tests.models.vendor import Slow, Vendor, breaks_off


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


async def test_the_first_piece_comes_before_the_last_is_sent(at: Made) -> None:
    slow = Slow(b"".join(HELLO[:2]), b"".join(HELLO[2:]), STREAM)
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        pieces = model.stream(a_request())
        assert await asyncio.wait_for(anext(pieces), 5) == TextPiece("Grüß")
        slow.go_on.set()
        assert text_of([piece async for piece in pieces]) == " Gott 🌍"


async def test_closing_the_iterator_hangs_up_while_the_thread_is_reading(at: Made) -> None:
    slow = Slow(b"".join(HELLO[:2]), headers=STREAM)
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        pieces = model.stream(a_request())
        await anext(pieces)
        began = time.monotonic()
        await pieces.aclose()
        assert time.monotonic() - began < 0.5
        await asyncio.wait_for(slow.left.wait(), 2)


async def test_cancelling_the_task_hangs_up(at: Made) -> None:
    slow = Slow(event("messageStart", {"role": "assistant"}), headers=STREAM)
    async with Vendor([slow]) as vendor:
        model = at(vendor)
        asking = asyncio.create_task(answer(model))
        await vendor.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(slow.left.wait(), 2)


async def test_a_connection_is_kept_for_the_next_request(at: Made) -> None:
    async with Vendor([says(HELLO)]) as vendor:
        model = at(vendor)
        for _ in range(3):
            assert text_of(await answer(model)) == "Grüß Gott 🌍"
    assert vendor.connections == 1


async def test_its_own_client_leaves_the_retries_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    naps = Naps()
    throttled = refusal(429, "ThrottlingException")
    async with Vendor([throttled, breaks_off, says(HELLO)]) as vendor:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", vendor.url)
        model = BedrockModel(CLAUDE, retry=patient(naps))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 3
    assert naps.seconds == [0.5, 1.0]
    assert "/eu-central-1/bedrock/" in vendor.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ValidationException", ModelError),
        (403, "AccessDeniedException", ModelAuthentication),
        (403, "UnrecognizedClientException", ModelAuthentication),
        (403, "ExpiredTokenException", ModelAuthentication),
        (404, "ResourceNotFoundException", ModelError),
        (408, "ModelTimeoutException", ModelError),
        (424, "ModelErrorException", ModelError),
        (429, "ThrottlingException", RateLimited),
        (429, "ModelNotReadyException", ModelUnavailable),
        (400, "ServiceQuotaExceededException", RateLimited),
        (500, "InternalServerException", ModelError),
        (503, "ServiceUnavailableException", ModelUnavailable),
    ],
)
async def test_each_refusal_has_its_error(at: Made, status: int, code: str, error: type[AgentError]) -> None:
    message = f"User: arn:aws:iam::123456789012:user/x with {SECRET}" if status == 403 else "because"
    async with Vendor([refusal(status, code, message)]) as vendor:
        model = at(vendor, max_retries=0)
        with pytest.raises(AgentError) as caught:
            await answer(model)
    assert type(caught.value) is error
    assert code in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "123456789012" not in str(caught.value)


async def test_a_client_that_is_given_is_used_and_left_open() -> None:
    async with Vendor([says(HELLO)]) as vendor:
        client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=vendor.url)
        model = BedrockModel(CLAUDE, client=client)
        await answer(model)
        await model.close()
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        client.close()
    assert "/us-east-1/bedrock/" in vendor.requests[0].headers["authorization"]


async def test_no_credentials_and_no_region_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    model = BedrockModel(CLAUDE)
    with pytest.raises(ModelAuthentication, match="no AWS credentials"):
        await answer(model)
    await model.close()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="region"):
        await answer(BedrockModel(CLAUDE))
