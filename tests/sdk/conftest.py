"""An agent on a real HTTP server that can only answer from what the prompt shows it."""

from collections.abc import Iterator

import pytest

from sessionful import Agent
from tests.sdk.openai_server import Server, openai_server
from tests.sdk.recalling import recalling


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with openai_server(recalling) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        yield running


@pytest.fixture
def agent(server: Server) -> Agent:
    return Agent(provider="openai", model="gpt-4o")
