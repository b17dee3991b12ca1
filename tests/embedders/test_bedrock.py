"""Titan Text Embeddings V2, as a real boto3 client asks for it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sessionful.domain.error import AgentError, ConfigError, ModelAuthentication, ModelError, RateLimited
from sessionful.embedders.bedrock import TITAN, BedrockEmbedder
from tests.embedders.servers import answers, says, titan_answer
from tests.models.asking import Naps, patient
from tests.models.bedrock_server import refusal
from tests.models.vendor import Exchange, Script, Vendor


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="s", region_name="eu-west-1")


@pytest.fixture
def clients(session: boto3.Session) -> Iterator[Any]:
    made: list[Any] = []

    def client(vendor: Vendor) -> Any:
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=8)
        made.append(session.client("bedrock-runtime", endpoint_url=vendor.url, config=config))
        return made[-1]

    yield client
    for one in made:
        one.close()


def axis(body: Any) -> Any:
    """The vector of a text such as `7` is the axis of that number."""
    return titan_answer([float(place == int(body["inputText"])) for place in range(body["dimensions"])])


async def test_each_text_is_a_request_and_the_vectors_keep_their_order(clients: Any) -> None:
    async with Vendor([answers(axis)]) as vendor:
        embedder = BedrockEmbedder(dimensions=256, client=clients(vendor))
        vectors = await embedder.embed([str(number) for number in range(40)])
        await embedder.close()
    assert [vector.index(1.0) for vector in vectors] == list(range(40))
    assert len(vendor.requests) == 40
    request = next(one for one in vendor.requests if one.body["inputText"] == "7")
    assert (request.method, request.path) == ("POST", f"/model/{TITAN.replace(':', '%3A')}/invoke")
    assert request.body == {"inputText": "7", "dimensions": 256, "normalize": True}


async def test_requests_run_side_by_side_but_not_all_at_once(clients: Any) -> None:
    running, most = 0, 0

    async def slow(exchange: Exchange) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        await says(titan_answer([1.0] * 256))(exchange)

    async with Vendor([slow]) as vendor:
        await BedrockEmbedder(dimensions=256, client=clients(vendor)).embed(["x"] * 40)
    assert 2 <= most <= 8


async def test_blank_texts_are_not_sent(clients: Any) -> None:
    async with Vendor([says(titan_answer([0.0, 1.0] * 128))]) as vendor:
        blank, said = await BedrockEmbedder(dimensions=256, client=clients(vendor)).embed(["\n ", "said"])
    assert (blank[0], any(blank[1:])) == (1.0, False)
    assert said[0] == 0.0
    assert len(vendor.requests) == 1


def test_names_tell_lengths_apart_and_other_models_are_refused() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc"
    assert BedrockEmbedder().name == BedrockEmbedder(arn).name == "bedrock:amazon.titan-embed-text-v2:0:1024"
    assert BedrockEmbedder(dimensions=512).name.endswith(":512")
    with pytest.raises(ConfigError, match="cohere"):
        BedrockEmbedder("cohere.embed-v4:0")
    with pytest.raises(ConfigError, match="1024, 512, 256"):
        BedrockEmbedder(dimensions=300)


async def test_throttling_is_waited_for(clients: Any) -> None:
    naps = Naps()
    async with Vendor([refusal(429, "ThrottlingException"), says(titan_answer([1.0] * 1024))]) as vendor:
        embedder = BedrockEmbedder(client=clients(vendor), retry=patient(naps))
        assert len(await embedder.embed(["x"])) == 1
    assert naps.seconds == [0.5]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (refusal(403, "AccessDeniedException"), ModelAuthentication),
        (refusal(429, "ThrottlingException"), RateLimited),
        (refusal(400, "ValidationException", "too many tokens"), ModelError),
        (says({"message": "hello"}), ModelError),
        (says([1]), ModelError),
        (says(titan_answer([1.0] * 256)), ModelError),
    ],
)
async def test_what_bedrock_refuses_or_garbles_is_an_error_of_the_family(
    clients: Any, script: Script, error: type[AgentError]
) -> None:
    async with Vendor([script]) as vendor:
        embedder = BedrockEmbedder(client=clients(vendor), retry=patient(Naps(), retries=1))
        with pytest.raises(error):
            await embedder.embed(["x"])
