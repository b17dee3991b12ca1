"""Naming an embedder loads no SDK, no HTTP client and no weights."""

import pytest

from tests.test_imports import loaded_by


@pytest.mark.parametrize("name", ["openai.OpenAI", "bedrock.Bedrock", "local.Local", "scripted.Scripted"])
def test_an_embedder_is_named_without_its_vendors_library(name: str) -> None:
    module, _, kind = name.partition(".")
    loaded = loaded_by(f"from sessionful.embedders.{module} import {kind}Embedder\n{kind}Embedder().name")
    assert loaded.isdisjoint({"httpx", "boto3", "botocore", "numpy", "tokenizers", "wordllama"})
