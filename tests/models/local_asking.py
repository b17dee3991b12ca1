"""Asking the local model: nothing here stands in for llama.cpp or for the weights."""

import os
import subprocess
import sys

import pytest

from sessionful.domain.message import Message
from sessionful.models.llama_cpp import INSTALL, installed
from sessionful.models.local import LocalModel
from sessionful.ports import Finish, ModelRequest, Piece, TextPiece

needs_the_model = pytest.mark.skipif(
    not installed() and "CI" not in os.environ, reason=f"the local model is not installed: {INSTALL}"
)
FRANCE = ModelRequest([Message.user("What is the capital of France?")], options={"temperature": 0})
STORY = [Message.user("Write a long story about a cat who sails around the world.")]


async def pieces(model: LocalModel, request: ModelRequest) -> list[Piece]:
    return [piece async for piece in model.stream(request)]


def text(heard: list[Piece]) -> str:
    return "".join(piece.text for piece in heard if isinstance(piece, TextPiece))


def finish(heard: list[Piece]) -> Finish:
    assert [piece for piece in heard if isinstance(piece, Finish)] == heard[-1:]
    last = heard[-1]
    assert isinstance(last, Finish)
    return last


def asked(words: str, **options: object) -> ModelRequest:
    return ModelRequest([Message.user(words)], options={"temperature": 0, **options})


def python(script: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=env)
