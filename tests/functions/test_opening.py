"""What a door finds behind it when it opens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.opening import service as opening
from sessionful.domain.error import ConfigError
from sessionful.domain.session import NewSession
from tests.functions.cloud import Cloud, client


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    yield
    opening.configuration.cache_clear()
    opening.open_service.cache_clear()


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def configured(cloud: Cloud, agents: str) -> None:
    Path(cloud.environment["SESSIONFUL_CONFIG"]).write_text(agents)


KEYED = """
llms: {main: {type: openai, model: m, api_key: "${MY_KEY}"}}
agents: {assistant: {llm: main}}
"""


def test_secrets_are_read_where_models_are_asked_and_only_there(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(cloud, KEYED)
    client("ssm").put_parameter(Name=f"/{cloud.table}", Value="s3cr3t", Type="SecureString")
    monkeypatch.setenv("SESSIONFUL_SECRETS", json.dumps({"MY_KEY": f"ssm:/{cloud.table}"}))
    asked = opening.configuration(models=True).llms["main"]
    assert asked.api_key is not None and asked.api_key.get_secret_value() == "s3cr3t"
    monkeypatch.setenv("SESSIONFUL_SECRETS", '{"MY_KEY": "ssm:/not/there"}')
    unasked = opening.configuration(models=False).llms["main"].api_key
    assert unasked is not None and unasked.get_secret_value() == ""
    opening.configuration.cache_clear()
    with pytest.raises(ConfigError, match="ssm:/not/there"):
        opening.configuration(models=True)


async def test_all_agents_keep_their_sessions_in_the_deployments_table_whatever_the_laptops_is(cloud: Cloud) -> None:
    configured(
        cloud,
        """
llms: {words: {type: scripted}}
session_stores: {disk: {backend: sql, sql: {driver: sqlite, database: ./data/laptop.db}}}
agents: {one: {llm: words, session_store: disk}, two: {llm: words}}
""",
    )
    service = opening.open_service(models=True, lingers=False)
    assert opening.open_service(models=True, lingers=False) is service
    for agent in ("one", "two"):
        await service.create_session("alice", agent, NewSession())
    assert len({item["pk"]["S"] for item in cloud.items() if item["sk"]["S"] == "H"}) == 2
    await service.close()


@pytest.mark.parametrize(
    "agents",
    [
        "llms: {small: {type: local}}\nagents: {assistant: {llm: small}}",
        "llms: {small: {type: local}, words: {type: scripted}}\nagents: {assistant: {llm: small}, b: {llm: words}}",
        "agents: {assistant: {instructions: Be kind}}",
    ],
)
def test_the_laptops_model_is_refused_by_the_agent_that_would_use_it(cloud: Cloud, agents: str) -> None:
    configured(cloud, agents)
    with pytest.raises(ConfigError, match=r"agents\.assistant\.llm"):
        opening.open_service(models=False, lingers=False)


def test_a_configuration_that_is_wrong_says_where(cloud: Cloud) -> None:
    configured(cloud, "agents: {assistant: {instructionz: x}}")
    with pytest.raises(ConfigError, match="instructions"):
        opening.open_service(models=True, lingers=False)
