"""What a door's environment may say, and how it is told what is wrong with it."""

from collections.abc import Mapping

import pytest

from functions.opening.environment import Access, Environment, stream_url
from sessionful.domain.error import ConfigError

RIGHT = {
    "SESSIONFUL_CONFIG": "/opt/agents.yaml",
    "SESSIONFUL_STORE": "dynamodb:sessions?bucket=objects",
    "SESSIONFUL_ALARMS": "sqs:https://sqs.eu-central-1.amazonaws.com/111122223333/worker",
    "SESSIONFUL_SECRETS": '{"OPENAI_API_KEY": "ssm:/sessionful/openai"}',
}


def test_a_doors_environment_is_read() -> None:
    read = Environment.read(RIGHT)
    assert (read.config, read.store) == ("/opt/agents.yaml", "dynamodb:sessions?bucket=objects")
    assert read.secrets == {"OPENAI_API_KEY": "ssm:/sessionful/openai"}
    assert Environment.read({**RIGHT, "SESSIONFUL_SECRETS": ""}).secrets == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"SESSIONFUL_CONFIG": ""},
        {"SESSIONFUL_STORE": ""},
        {"SESSIONFUL_STORE": "memory"},
        {"SESSIONFUL_STORE": "./data/sessions.db"},
        {"SESSIONFUL_ALARMS": ""},
        {"SESSIONFUL_ALARMS": "none"},
        {"SESSIONFUL_ALARMS": "./alarms.db"},
        {"SESSIONFUL_SECRETS": "OPENAI_API_KEY=ssm:/x"},
        {"SESSIONFUL_SECRETS": '["ssm:/x"]'},
        {"SESSIONFUL_SECRETS": '{"OPENAI_API_KEY": 7}'},
        {"SESSIONFUL_SECRETS": '{"OPENAI API KEY": "ssm:/x"}'},
    ],
)
def test_what_a_function_cannot_run_on_is_refused_by_the_variables_name(wrong: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        Environment.read({**RIGHT, **wrong})
    assert caught.value.details["key"] == next(iter(wrong))


def test_what_is_written_in_place_of_a_reference_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        Environment.read({**RIGHT, "SESSIONFUL_SECRETS": '{"KEY": "sk-very-secret"'})
    assert "very-secret" not in f"{caught.value!r} {caught.value.details}"


@pytest.mark.parametrize("auth", ["iam", "jwt", "none"])
def test_how_callers_prove_who_they_are_is_said_by_name(auth: str) -> None:
    assert Access.read({"SESSIONFUL_AUTH": auth}).auth == auth


@pytest.mark.parametrize("auth", ["", "  ", "IAM", "off", "None", "basic"])
def test_nobody_is_let_in_because_nothing_was_said(auth: str) -> None:
    with pytest.raises(ConfigError, match="SESSIONFUL_AUTH"):
        Access.read({"SESSIONFUL_AUTH": auth})


def test_under_iam_a_session_is_its_callers_unless_the_role_is_named() -> None:
    assert Access.read({"SESSIONFUL_AUTH": "iam"}).iam_owner == "caller"
    assert Access.read({"SESSIONFUL_AUTH": "iam", "SESSIONFUL_IAM_OWNER": "role"}).iam_owner == "role"
    with pytest.raises(ConfigError, match="SESSIONFUL_IAM_OWNER"):
        Access.read({"SESSIONFUL_AUTH": "iam", "SESSIONFUL_IAM_OWNER": "account"})


def test_no_web_page_is_let_in_that_is_not_listed() -> None:
    def origins(text: str) -> tuple[str, ...]:
        return Access.read({"SESSIONFUL_AUTH": "none", "SESSIONFUL_ORIGINS": text}).origins

    assert origins("") == ()
    assert origins("https://a.example, http://localhost:3000") == ("https://a.example", "http://localhost:3000")
    assert origins("*") == ("*",)
    for wrong in ("a.example", "https://a.example/", "https://a.example/app", "https://u:p@a.example"):
        with pytest.raises(ConfigError, match="SESSIONFUL_ORIGINS"):
            origins(wrong)


def test_the_stream_url_is_a_url_without_its_last_slash() -> None:
    assert stream_url({"SESSIONFUL_STREAM_URL": "https://x.lambda-url.eu-central-1.on.aws/"}) == (
        "https://x.lambda-url.eu-central-1.on.aws"
    )
    assert stream_url({}) is None
    with pytest.raises(ConfigError, match="SESSIONFUL_STREAM_URL"):
        stream_url({"SESSIONFUL_STREAM_URL": "x.lambda-url.eu-central-1.on.aws"})
