"""Secrets by reference, read from moto's Systems Manager and Secrets Manager."""

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from functions.opening.secrets import resolve
from sessionful.domain.error import ConfigError
from tests.contracts.dynamodb import moto_client
from tests.functions.cloud import AWS, client


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**AWS, "AWS_ENDPOINT_URL": moto_client().meta.endpoint_url}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def parameters() -> Iterator[list[str]]:
    """More than fit into one request, encrypted."""
    ssm, names = client("ssm"), [f"/test/{uuid4().hex}" for _ in range(13)]
    for number, name in enumerate(names):
        ssm.put_parameter(Name=name, Value=f"value {number}", Type="SecureString")
    yield names
    ssm.delete_parameters(Names=names[:10])
    ssm.delete_parameters(Names=names[10:])


def a_secret(**content: Any) -> str:
    name = f"test/{uuid4().hex}"
    client("secretsmanager").create_secret(Name=name, **content)
    return name


def test_parameters_are_read_decrypted_whatever_their_number(parameters: list[str]) -> None:
    found = resolve({f"KEY_{number}": f"ssm:{name}" for number, name in enumerate(parameters)})
    assert found == {f"KEY_{number}": f"value {number}" for number in range(13)}


def test_a_secret_is_read_whole_or_by_a_key_of_it() -> None:
    text, record = a_secret(SecretString="plain"), a_secret(SecretString='{"openai": "a#b", "port": 5432}')
    found = resolve({"A": f"secretsmanager:{text}", "B": f"secretsmanager:{record}#openai"})
    assert found == {"A": "plain", "B": "a#b"}


def test_no_references_ask_nobody() -> None:
    assert resolve({}) == {}


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("ssm:/test/missing", "ParameterNotFound"),
        ("secretsmanager:test/missing", "ResourceNotFoundException"),
        ("secretsmanager:{record}#missing", "no such key"),
        ("secretsmanager:{record}#port", "no text"),
        ("secretsmanager:{text}#key", "not JSON"),
        ("secretsmanager:{binary}", "binary"),
    ],
)
def test_what_is_missing_is_named_by_its_reference_and_no_value_is_told(reference: str, why: str) -> None:
    places = {
        "record": a_secret(SecretString='{"openai": "hush", "port": 5432}'),
        "text": a_secret(SecretString="hush"),
        "binary": a_secret(SecretBinary=b"hush"),
    }
    wanted = reference.format(**places)
    with pytest.raises(ConfigError) as caught:
        resolve({"MY_KEY": wanted, "OTHER": f"secretsmanager:{places['text']}"})
    assert "MY_KEY" in caught.value.message and wanted in caught.value.message and why in caught.value.message
    assert "hush" not in f"{caught.value} {caught.value.details}"


@pytest.mark.parametrize("text", ["", "sk-hush", "ssm:", "vault:hush", "secretsmanager:#hush", "secretsmanager:x#"])
def test_what_is_no_reference_may_be_the_secret_itself_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="MY_KEY has no reference") as caught:
        resolve({"MY_KEY": text})
    assert "hush" not in f"{caught.value} {caught.value.details}"


def test_a_service_that_cannot_be_reached_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ConfigError, match="EndpointConnectionError"):
        resolve({"MY_KEY": "ssm:/x"})


def test_values_do_not_get_into_the_environment(parameters: list[str]) -> None:
    resolve({"MY_KEY": f"ssm:{parameters[3]}"})
    assert "value 3" not in os.environ.values()
