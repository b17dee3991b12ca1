"""The embedder of tests and samples."""

import asyncio
import os
import subprocess
import sys

import pytest

from sessionful.domain.error import ModelError, ModelUnavailable
from sessionful.embedders.scripted import ScriptedEmbedder
from tests.embedders.servers import length, nearness


async def test_texts_are_near_as_far_as_they_share_words() -> None:
    embedder = ScriptedEmbedder()
    rex, same, asked, other = await embedder.embed(
        ["My dog is called Rex", "rex is called my DOG!", "What is my dog called?", "Berlin has four seasons"]
    )
    assert rex == same
    assert nearness(rex, asked) > embedder.related > nearness(rex, other)
    assert [length(vector) for vector in (rex, asked, other)] == pytest.approx([1, 1, 1])


def test_a_vector_is_the_same_in_every_process() -> None:
    script = "import asyncio; from sessionful.embedders.scripted import ScriptedEmbedder as E; "
    script += "print(asyncio.run(E().embed(['Rex']))[0])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == str(asyncio.run(ScriptedEmbedder().embed(["Rex"]))[0])


async def test_a_script_says_what_a_text_is_near_to_and_when_it_fails() -> None:
    embedder = ScriptedEmbedder({"puppy": (0.0, 2.0)}, dimensions=2, name="m", failures=[ModelUnavailable("down")])
    with pytest.raises(ModelUnavailable):
        await embedder.embed(["puppy"])
    assert await embedder.embed(["puppy", ""]) == [(0.0, 1.0), (1.0, 0.0)]
    assert embedder.texts == [["puppy"], ["puppy", ""]]
    assert embedder.name == "m"
    with pytest.raises(ModelError, match="3 numbers"):
        await ScriptedEmbedder({"x": (1.0, 2.0, 3.0)}, dimensions=2).embed(["x"])
