"""What a cold start loads: as few modules as the budget allows, and nothing that the door does not need."""

from functools import cache
from pathlib import Path

import pytest

from bench.cold_start import BUDGETS, DOORS, REFERENCE
from bench.fresh import load

NOBODY = ("sqlalchemy", "grpc", "numpy", "typer", "rich", "openai", "anthropic", "xllamacpp", "moto", "pytest")
MODELS = ("sessionful.models.openai", "sessionful.models.anthropic", "sessionful.models.bedrock", "httpx")
SERVERS = ("uvicorn", "websockets")
STREAMS = ("sessionful.surfaces.sse", "sessionful.surfaces.websocket")
WEB = ("fastapi", "starlette", "mangum")

STRANGERS = {
    "sessions": ("jsonschema", "jwt", *MODELS, *SERVERS, *STREAMS),
    "messages": ("jsonschema", "jwt", *MODELS, *SERVERS, *STREAMS),
    "stream": ("jsonschema", "jwt", "mangum", "websockets", *MODELS),
    "websocket": ("jsonschema", "jwt", "mangum", *MODELS, *SERVERS),
    "worker": ("jsonschema", "jwt", "functions.connections.telling", *WEB, *MODELS, *SERVERS, *STREAMS),
    "curator": ("jsonschema", "jwt", "yaml", "sessionful.config", "sessionful.surfaces", *WEB, *MODELS, *SERVERS),
}


@cache
def loaded(name: str, *, traced: bool = True) -> frozenset[str]:
    return frozenset(load(DOORS.get(name, f"import {name}"), traced=traced).modules)


def found(wanted: tuple[str, ...], modules: frozenset[str]) -> list[str]:
    """Those of `wanted` that are there, or have a part that is."""
    return [name for name in wanted if any(f"{module}.".startswith(f"{name}.") for module in modules)]


@pytest.mark.parametrize("name", DOORS)
def test_a_door_loads_no_more_than_its_budget_of_modules(name: str) -> None:
    assert "boto3" in loaded(name), "the door is opened, with the client of its table"
    assert len(loaded(name)) <= BUDGETS[name] * len(loaded(REFERENCE))


@pytest.mark.parametrize("name", DOORS)
def test_a_door_loads_nothing_that_it_does_not_need(name: str) -> None:
    assert found((*NOBODY, *STRANGERS[name]), loaded(name)) == []


@pytest.mark.parametrize("name", DOORS)
def test_x_ray_is_loaded_only_where_it_is_on(name: str) -> None:
    assert found(("aws_xray_sdk",), loaded(name)) == ["aws_xray_sdk"]
    assert found(("aws_xray_sdk",), loaded(name, traced=False)) == []


def test_tokens_are_read_only_by_the_door_that_nobody_stands_before(tmp_path: Path) -> None:
    """The HTTP API checks them for the two doors behind it."""
    agents = tmp_path / "agents.yaml"
    agents.write_text(
        "auth: {issuer: 'https://issuer.example', audience: app}\n"
        "llms: {words: {type: scripted}}\n"
        "agents: {assistant: {llm: words}}\n"
    )
    environment = {"SESSIONFUL_AUTH": "jwt", "SESSIONFUL_CONFIG": str(agents)}
    for name, expected in {"sessions": [], "messages": [], "stream": ["jwt"], "websocket": ["jwt"]}.items():
        modules = frozenset(load(DOORS[name], environment=environment).modules)
        assert found(("jwt",), modules) == expected


@pytest.mark.parametrize("name", DOORS)
def test_a_door_asks_nobody_before_it_is_asked(name: str) -> None:
    guarded = """
import os
asking = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
sys.addaudithook(lambda event, _: os._exit(1) if event in asking else None)
"""
    assert "boto3" in load(guarded + DOORS[name]).modules
