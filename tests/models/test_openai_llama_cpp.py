"""The same adapter against a server that nobody here wrote: llama.cpp's own, with real weights."""

import importlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sessionful.domain.error import ModelAuthentication, ModelError
from sessionful.models.llama_cpp import INSTALL, installed, weights
from sessionful.models.openai import OpenAIModel
from sessionful.ports import TextPiece
from tests.models.asking import a_request, answer, finish_of, text_of

pytestmark = pytest.mark.skipif(
    not installed() and "CI" not in os.environ, reason=f"the local model is not installed: {INSTALL}"
)
KEY = "a-key-of-the-server"
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}}, "required": ["city"]}


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx, params.n_parallel, params.verbosity = 1024, 1, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.api_keys, params.ui = [KEY], False
    yield xllamacpp.Server(params)


@pytest.fixture
async def model(server: Any) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel("smol", KEY, server.listening_address + "/v1", options={"temperature": 0})
    yield model
    await model.close()


async def test_it_streams_word_by_word_and_counts(model: OpenAIModel) -> None:
    pieces = await answer(model, a_request("Say hello.", options={"max_tokens": 8}))
    assert len([piece for piece in pieces if isinstance(piece, TextPiece)]) > 1
    finish = finish_of(pieces)
    assert finish.usage.input_tokens > 5
    assert 0 < finish.usage.output_tokens <= 8


async def test_it_is_held_to_a_schema(model: OpenAIModel) -> None:
    pieces = await answer(model, a_request("Name a city.", schema=CITY, options={"max_tokens": 20}))
    assert json.loads(text_of(pieces))["city"] in ("Rome", "Oslo")


async def test_its_refusals_are_understood(model: OpenAIModel, server: Any) -> None:
    with pytest.raises(ModelError, match="context size") as caught:
        await answer(model, a_request("word " * 2000))
    assert caught.value.status_code == 400
    stranger = OpenAIModel("smol", "another-key", server.listening_address + "/v1")
    with pytest.raises(ModelAuthentication):
        await answer(stranger)
    await stranger.close()


async def test_a_story_can_be_stopped_and_the_server_answers_the_next(model: OpenAIModel) -> None:
    pieces = model.stream(a_request("Tell a long story.", options={"max_tokens": 500}))
    assert isinstance(await anext(pieces), TextPiece)
    await pieces.aclose()
    assert text_of(await answer(model, a_request("Say hello.", options={"max_tokens": 4})))
