"""The adapter for Chat Completions: keys, refusals and retries."""

import pytest

from sessionful.domain.error import ConfigError, ModelAuthentication, ModelError, ModelUnavailable
from sessionful.models.openai import OpenAIModel
from tests.models.asking import Naps, answer, patient, text_of
from tests.models.vendor import Vendor, breaks_off, refuses, streams
from tests.models.wire import delta, openai_stream, usage_chunk

HELLO = openai_stream(
    delta(role="assistant", content="", refusal=None),
    delta(content="Grüß"),
    delta(content=" Gott 🌍"),
    delta("stop"),
    usage_chunk(12, 5, prompt_tokens_details={"cached_tokens": 8}),
)
KEY = "sk-proj-0123456789"


async def test_too_many_requests_is_waited_out() -> None:
    naps = Naps()
    busy = refuses(429, {"error": {"message": "slow down"}}, {"retry-after": "3"})
    async with Vendor([busy, streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(naps))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 2
    assert naps.seconds == [3.0]


async def test_a_dropped_connection_is_tried_again() -> None:
    async with Vendor([breaks_off, streams(HELLO)]) as vendor:
        model = OpenAIModel("m", base_url=vendor.url, retry=patient(Naps()))
        assert text_of(await answer(model)) == "Grüß Gott 🌍"
        await model.close()
    assert len(vendor.requests) == 2


async def test_nobody_listening_is_unavailable() -> None:
    async with Vendor([breaks_off]) as vendor:
        url = vendor.url
    model = OpenAIModel("m", base_url=url, retry=patient(Naps()))
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        await answer(model)
    await model.close()


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_no_error_and_no_repr_tells_the_key(status: int) -> None:
    async with Vendor([refuses(status, {"error": {"message": f"wrong key {KEY}, really {KEY}"}})]) as vendor:
        model = OpenAIModel("m", KEY, vendor.url, retry=patient(Naps()))
        with pytest.raises(ModelError) as caught:
            await answer(model)
        await model.close()
    assert KEY not in f"{caught.value} {caught.value.details} {caught.value!r} {model!r}"
    assert isinstance(caught.value, ModelAuthentication) == (status in (401, 403))


async def test_the_official_host_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelAuthentication, match="OPENAI_API_KEY"):
        await answer(OpenAIModel("m"))


async def test_the_key_in_the_environment_goes_where_the_environment_says_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    async with Vendor([streams(HELLO)]) as vendor:
        stranger = OpenAIModel("m", base_url=vendor.url)
        await answer(stranger)
        await stranger.close()
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.url + "/")
        named = OpenAIModel("m", base_url=vendor.url)
        await answer(named)
        await named.close()
    assert "authorization" not in vendor.requests[0].headers
    assert vendor.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="base_url"):
        OpenAIModel("m", base_url="localhost:8000/v1")
