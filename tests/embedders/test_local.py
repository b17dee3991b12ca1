"""The local embedder, tried for real: nothing here stands in for its weights or its tokenizer."""

import asyncio
import math
import os
import subprocess
import sys

import pytest

from sessionful.domain.error import ConfigError
from sessionful.embedders.local import INSTALL, LocalEmbedder, installed
from tests.embedders.servers import length, nearness

pytestmark = pytest.mark.skipif(
    not installed() and "CI" not in os.environ, reason=f"the local embedder is not installed: {INSTALL}"
)
PARAPHRASES = [
    ("My dog is called Rex.", "The name of my dog is Rex."),
    ("The flight to Lisbon leaves on Friday.", "On Friday the plane departs for Lisbon."),
    ("She works as a nurse in a hospital.", "Her job: nursing at a clinic."),
    ("He is allergic to peanuts.", "Peanuts make him ill because of an allergy."),
    ("We store the orders in PostgreSQL.", "The order database runs on Postgres."),
    ("The kitchen may cost 8000 euros.", "The budget for the new kitchen is 8000 EUR."),
]
FACTS = [first for first, _ in PARAPHRASES]
ASKED = ["What is my dog's name?", "When do I fly to Lisbon?", "Where does she work?", "May he eat peanut butter?"]
ELSEWHERE = ["Write a haiku about autumn.", "Explain quicksort.", "Hello!", "What is the capital of France?"]


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


async def test_a_paraphrase_is_nearer_than_every_stranger(embedder: LocalEmbedder) -> None:
    vectors = await embedder.embed(FACTS)
    for place, vector in enumerate(await embedder.embed([second for _, second in PARAPHRASES])):
        scores = [nearness(vector, fact) for fact in vectors]
        assert scores.index(max(scores)) == place
        assert scores[place] > 2 * max(score for other, score in enumerate(scores) if other != place)


async def test_a_question_finds_its_fact_and_what_is_beside_the_point_finds_none(embedder: LocalEmbedder) -> None:
    facts = await embedder.embed(FACTS)
    for place, question in enumerate(await embedder.embed(ASKED)):
        scores = [nearness(question, fact) for fact in facts]
        assert scores.index(max(scores)) == place
        assert scores[place] > embedder.related
    for stranger in await embedder.embed(ELSEWHERE):
        assert max(nearness(stranger, fact) for fact in facts) < embedder.related


@pytest.mark.parametrize("dimensions", [64, 128, 256])
async def test_vectors_have_length_one_and_the_dimensions_asked_for(dimensions: int) -> None:
    embedder = LocalEmbedder(dimensions)
    vectors = await embedder.embed(["Rex", "a sentence of some words", "日本語 🌍", "half \ud83d"])
    assert [len(vector) for vector in vectors] == [dimensions] * 4
    assert [length(vector) for vector in vectors] == pytest.approx([1.0] * 4)
    assert embedder.name == f"local:wordllama-l2-supercat:{dimensions}"


async def test_blank_texts_have_a_vector_too_that_is_like_no_other(embedder: LocalEmbedder) -> None:
    blank, spaces, said = await embedder.embed(["", " \n\t", "My dog is called Rex."])
    assert blank == spaces
    assert length(blank) == 1.0
    assert abs(nearness(blank, said)) < 0.2


async def test_a_huge_text_takes_no_longer_than_its_beginning(embedder: LocalEmbedder) -> None:
    beginning, huge = await embedder.embed(["word " * 1600, "word " * 1_000_000])
    assert beginning == huge


async def test_a_text_has_one_vector_whatever_stands_beside_it_and_however_often_it_is_asked_at_once(
    embedder: LocalEmbedder,
) -> None:
    alone = await embedder.embed(["Rex"])
    fresh = LocalEmbedder()
    many = await asyncio.gather(*(fresh.embed(["a longer text than the other", "Rex"]) for _ in range(8)))
    assert all(vectors[1] == alone[0] for vectors in many)


async def test_it_can_be_used_again_after_it_was_closed() -> None:
    embedder = LocalEmbedder()
    before = await embedder.embed(["Rex"])
    await embedder.close()
    assert await embedder.embed(["Rex"]) == before


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ConfigError, match="64, 128, 256"):
        LocalEmbedder(100)


def test_it_brings_neither_numpy_nor_a_network_and_leaves_logging_alone() -> None:
    script = """
import asyncio, json, logging, sys
from sessionful.embedders.local import LocalEmbedder
assert "tokenizers" not in sys.modules
def refuse(event, args):
    if event.startswith("socket.connect") or event == "socket.getaddrinfo":
        raise SystemExit(f"{event} {args}")
async def main():
    await asyncio.sleep(0)
    sys.addaudithook(refuse)
    await LocalEmbedder().embed(["Rex"])
asyncio.run(main())
heavy = ["numpy", "requests", "huggingface_hub", "wordllama", "httpx", "safetensors"]
print(json.dumps([[name for name in heavy if name in sys.modules], logging.getLogger().handlers]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[[], []]\n", "")


async def test_a_thousand_sentences_take_less_than_a_few_seconds(embedder: LocalEmbedder) -> None:
    texts = [
        f"The user {number} has a dog named Rex and has lived in Berlin since last year." for number in range(1000)
    ]
    loop = asyncio.get_running_loop()
    start = loop.time()
    vectors = await embedder.embed(texts)
    assert loop.time() - start < 10, "it takes 0.2 s on an idle machine"
    assert all(math.isclose(length(vector), 1.0) for vector in vectors)
