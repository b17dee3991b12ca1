"""How each door is started."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from functions.opening.environment import Access, Environment
from infra.packaging import Assets
from tests.infra.cloud import DOORS, Cloud, synthesised, text

_ADAPTER = "753240598075:layer:LambdaAdapterLayerArm64:30"


@pytest.mark.parametrize("door", DOORS)
def test_a_door_runs_on_the_runtime_that_its_layers_are_built_for(door: str, iam: Cloud) -> None:
    function = iam.function(door)
    assert function["Runtime"] == "python3.14"
    assert function["Architectures"] == ["arm64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Handler"] == ("functions/stream.sh" if door == "stream" else f"functions.{door}.handler")


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_told_where_its_agents_and_its_sessions_are(door: str, iam: Cloud) -> None:
    told = iam.function(door)["Environment"]["Variables"]
    assert told["SESSIONFUL_CONFIG"] == "/opt/agents.yaml"
    store = text(told["SESSIONFUL_STORE"])
    assert store.startswith("dynamodb:") and "TablesSessions" in store and "?bucket=" in store
    assert "&memories=" in store and "TablesMemories" in store
    assert text(told["SESSIONFUL_ALARMS"]).startswith("sqs:")
    assert told["POWERTOOLS_SERVICE_NAME"] == told["POWERTOOLS_METRICS_NAMESPACE"] == "sessionful"


def test_the_streaming_door_is_a_web_server_behind_the_adapter(iam: Cloud) -> None:
    function = iam.function("stream")
    assert text(function["Layers"][-1]).endswith(_ADAPTER)
    told = function["Environment"]["Variables"]
    assert told["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert told["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert told["AWS_LWA_READINESS_CHECK_PATH"] == "/health"
    assert told["AWS_LWA_PORT"] == told["PORT"] == "8000"


def test_only_the_streaming_door_has_the_adapter(iam: Cloud) -> None:
    for door in set(DOORS) - {"stream"}:
        assert not [layer for layer in iam.function(door)["Layers"] if "Adapter" in text(layer)]
        assert "AWS_LAMBDA_EXEC_WRAPPER" not in iam.function(door)["Environment"]["Variables"]


def test_another_processor_is_one_setting_for_functions_and_layers(
    settings_file: Path, uploads: Assets, tmp_path: Path
) -> None:
    settings_file.write_text("agents: agents.yaml\narchitecture: x86_64\n")
    cloud = synthesised(settings_file, uploads, tmp_path / "out")
    assert {cloud.function(door)["Architectures"][0] for door in DOORS} == {"x86_64"}
    assert {layer["CompatibleArchitectures"][0] for layer in cloud.all("Lambda::LayerVersion")} == {"x86_64"}
    assert text(cloud.function("stream")["Layers"][-1]).endswith("753240598075:layer:LambdaAdapterLayerX86:30")


def test_whoever_asks_the_api_for_a_stream_is_sent_to_the_url(iam: Cloud) -> None:
    url = text(iam.function("messages")["Environment"]["Variables"]["SESSIONFUL_STREAM_URL"])
    assert url == text(iam.service["Outputs"]["StreamUrl"]["Value"])


def test_nothing_behind_api_gateway_outlives_its_thirty_seconds(iam: Cloud) -> None:
    assert {iam.function(door)["Timeout"] for door in ("sessions", "messages", "websocket")} == {29}
    assert {iam.function(door)["Timeout"] for door in ("stream", "worker")} == {900}


def test_web_origins_and_secrets_are_told_as_the_settings_say(clouds: Mapping[str, Cloud]) -> None:
    told = clouds["jwt"].function("stream")["Environment"]["Variables"]
    assert told["SESSIONFUL_ORIGINS"] == "https://app.example.com"
    assert clouds["iam"].function("stream")["Environment"]["Variables"]["SESSIONFUL_SECRETS"] == "{}"


@pytest.mark.parametrize("door", DOORS)
def test_a_door_understands_what_it_is_told(door: str, cloud: Cloud) -> None:
    """The doors' own reading of the environment, which refuses what it does not know."""
    told = {name: text(value) for name, value in cloud.function(door)["Environment"]["Variables"].items()}
    read, access = Environment.read(told), Access.read(told)
    assert read.store == told["SESSIONFUL_STORE"] and read.alarms == told["SESSIONFUL_ALARMS"]
    assert set(read.secrets) == set(json.loads(told["SESSIONFUL_SECRETS"]))
    assert access.auth == told["SESSIONFUL_AUTH"]
    assert ",".join(access.origins) == told["SESSIONFUL_ORIGINS"]
