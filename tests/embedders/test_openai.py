"""`/embeddings` against a server that speaks it."""

from typing import Any

import pytest

from sessionful.domain.error import (
    AgentError,
    ConfigError,
    ModelAuthentication,
    ModelError,
    ModelUnavailable,
    RateLimited,
)
from sessionful.embedders.openai import OpenAIEmbedder
from tests.embedders.servers import answers, length, openai_answer, says
from tests.models.asking import Naps, patient
from tests.models.vendor import Script, Slow, Vendor, breaks_off, refuses

KEY = "sk-0123456789"


def made(vendor: Vendor, dimensions: int = 2, **settings: Any) -> OpenAIEmbedder:
    return OpenAIEmbedder("m", KEY, vendor.url + "/", dimensions, retry=patient(Naps()), **settings)


def numbered(body: Any) -> Any:
    """The vector of a text such as `7` points to (7, 1)."""
    return openai_answer([(float(text), 1.0) for text in body["input"]])


async def test_texts_are_sent_together_and_come_back_in_order_at_length_one() -> None:
    async with Vendor([says(openai_answer([(3.0, 4.0), (0.0, -2.0)], shuffled=True))]) as vendor:
        embedder = made(vendor)
        vectors = await embedder.embed(["first", "second"])
        await embedder.close()
    assert vectors == [(0.6, 0.8), (0.0, -1.0)]
    (request,) = vendor.requests
    assert (request.method, request.path) == ("POST", "/embeddings")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {"model": "m", "encoding_format": "float", "input": ["first", "second"]}


async def test_a_length_is_asked_for_only_where_the_model_can_be_asked() -> None:
    async with Vendor([answers(lambda body: openai_answer([[1.0] * body.get("dimensions", 1536)]))]) as vendor:
        for dimensions in (None, 1536, 256):
            embedder = OpenAIEmbedder("text-embedding-3-small", KEY, vendor.url, dimensions)
            assert len((await embedder.embed(["x"]))[0]) == (dimensions or 1536) == embedder.dimensions
            await embedder.close()
    assert [request.body.get("dimensions") for request in vendor.requests] == [None, None, 256]


def test_names_tell_models_and_lengths_apart() -> None:
    assert OpenAIEmbedder(dimensions=256).name == "openai:text-embedding-3-small:256"
    assert OpenAIEmbedder().name == "openai:text-embedding-3-small:1536"
    assert OpenAIEmbedder("nomic-embed-text", dimensions=768).name == "openai:nomic-embed-text:768"
    with pytest.raises(ConfigError, match="needs 'dimensions'"):
        OpenAIEmbedder("nomic-embed-text")


async def test_many_texts_go_in_batches_and_keep_their_order() -> None:
    async with Vendor([answers(numbered)]) as vendor:
        embedder = made(vendor)
        vectors = await embedder.embed([str(number) for number in range(600)])
        await embedder.close()
    assert [round(x / y) for x, y in vectors] == list(range(600))
    assert sorted(len(request.body["input"]) for request in vendor.requests) == [88, 256, 256]


async def test_a_batch_stays_below_the_vendors_limit_of_tokens() -> None:
    async with Vendor([answers(lambda body: openai_answer([(1.0, 0.0) for _ in body["input"]]))]) as vendor:
        embedder = made(vendor)
        await embedder.embed(["x" * 7000] * 100)
        await embedder.close()
    assert [sum(map(len, request.body["input"])) <= 300_000 for request in vendor.requests] == [True] * 3


async def test_blank_texts_are_not_sent_and_are_like_nothing_else() -> None:
    async with Vendor([answers(numbered)]) as vendor:
        embedder = made(vendor)
        assert await embedder.embed(["", " \n"]) == [(1.0, 0.0)] * 2
        assert vendor.requests == []
        vectors = await embedder.embed([" ", "7", ""])
        await embedder.close()
    assert [length(vector) for vector in vectors] == pytest.approx([1, 1, 1])
    assert vendor.requests[0].body["input"] == ["7"]


async def test_a_huge_text_is_cut_and_half_a_surrogate_pair_is_no_failure() -> None:
    async with Vendor([says(openai_answer([(1.0, 0.0), (1.0, 0.0)]))]) as vendor:
        embedder = made(vendor)
        await embedder.embed(["日本語" * 100_000, "half \ud83d of it"])
        await embedder.close()
    huge, half = vendor.requests[0].body["input"]
    assert huge == ("日本語" * 889)[: 8000 // 3]
    assert half == "half ? of it"


async def test_a_passing_failure_is_tried_again() -> None:
    naps = Naps()
    scripts = [refuses(429, {"error": {"message": "slow"}}, {"retry-after": "3"}), breaks_off]
    async with Vendor([*scripts, says(openai_answer([(1.0, 0.0)]))]) as vendor:
        embedder = OpenAIEmbedder("m", KEY, vendor.url, 2, retry=patient(naps))
        assert await embedder.embed(["x"]) == [(1.0, 0.0)]
        await embedder.close()
    assert naps.seconds == [3.0, 1.0]


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (refuses(401, {"error": {"message": f"wrong key {KEY}"}}), ModelAuthentication, "refused the credentials"),
        (refuses(400, {"error": {"message": f"no {KEY}"}}), ModelError, r"400: no \*\*\*"),
        (refuses(503, {"error": "busy"}), ModelUnavailable, "busy"),
        (refuses(429, {"error": "slow"}), RateLimited, "slow"),
        (says({"object": "list"}), ModelError, "form of its API"),
        (says(openai_answer([])), ModelError, "form of its API"),
        (says(openai_answer([(1.0, 2.0, 3.0)])), ModelError, "3 numbers where it should give 2"),
        (says(openai_answer([(float("inf"), 1.0)])), ModelError, "without a direction"),
        (says({"data": [{"index": 0, "embedding": "AAAA"}]}), ModelError, "something else than numbers"),
        (Slow(b"{"), ModelError, r"silent for 0\.2 s"),
    ],
)
async def test_what_a_server_refuses_or_garbles_is_an_error_of_the_family(
    script: Script, error: type[AgentError], words: str
) -> None:
    async with Vendor([script]) as vendor:
        embedder = made(vendor, timeout=0.2)
        with pytest.raises(error, match=words) as caught:
            await embedder.embed(["x"])
        await embedder.close()
    assert KEY not in str(caught.value)


async def test_one_refused_batch_stops_the_others() -> None:
    async with Vendor([refuses(400, {"error": "no"})]) as vendor:
        embedder = made(vendor)
        with pytest.raises(ModelError):
            await embedder.embed([str(number) for number in range(5000)])
        await embedder.close()
    assert len(vendor.requests) < 20


async def test_without_a_key_the_vendors_own_host_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelAuthentication, match="OPENAI_API_KEY"):
        await OpenAIEmbedder().embed(["x"])
