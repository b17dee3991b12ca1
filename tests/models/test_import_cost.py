"""Adapters are light: naming one loads neither its SDK nor an HTTP client; these come with the first request."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ["httpx", "httpcore", "boto3", "botocore", "urllib3", "openai", "anthropic", "xllamacpp"]


def loaded(statements: str) -> list[str]:
    """The heavy modules that a fresh interpreter holds after the statements."""
    program = f"import sys, json\n{statements}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["openai.OpenAIModel", "anthropic.AnthropicModel", "bedrock.BedrockModel"])
def test_naming_a_model_loads_no_sdk_and_no_http_client(name: str) -> None:
    module, _, kind = name.partition(".")
    made = f"from sessionful.models.{module} import {kind}\nmodel = {kind}('m')\nrepr(model)"
    assert loaded(made) == []


def test_the_first_request_loads_httpx_and_no_sdk() -> None:
    asked = """
import asyncio
from sessionful.domain.error import ModelUnavailable
from sessionful.models.openai import OpenAIModel
from sessionful.ports import ModelRequest

async def ask():
    model = OpenAIModel("m", base_url="http://127.0.0.1:9", max_retries=0)
    try:
        async for piece in model.stream(ModelRequest(messages=())):
            pass
    except ModelUnavailable:
        return
    raise SystemExit("somebody listens on the discard port")

asyncio.run(ask())
"""
    found = loaded(asked)
    assert "httpx" in found
    assert not {"openai", "anthropic", "boto3", "botocore"} & set(found)
