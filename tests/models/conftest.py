"""What takes long to make is made once a module: the client of Bedrock, the local model."""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sessionful.models.bedrock import BedrockModel
from sessionful.models.local import LocalModel
from tests.models.bedrock_server import CLAUDE, SECRET, Made
from tests.models.vendor import Vendor


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """It reads AWS's descriptions once, which is what takes a client so long to make."""
    return boto3.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key=SECRET, region_name="eu-west-1"
    )


@pytest.fixture
def at(session: boto3.Session) -> Iterator[Made]:
    """A model whose client talks to the vendor."""
    clients: list[Any] = []

    def made(vendor: Vendor, **settings: Any) -> BedrockModel:
        config = Config(retries={"total_max_attempts": 1})
        clients.append(session.client("bedrock-runtime", endpoint_url=vendor.url, config=config))
        return BedrockModel(CLAUDE, client=clients[-1], **settings)

    yield made
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    model = LocalModel()
    yield model
    asyncio.run(model.close())
