"""The environment's settings."""

import pytest

from sessionful.domain.error import ConfigError
from sessionful.settings import Settings


def read(**env: str) -> Settings:
    return Settings.from_environment(env)


def refused(**env: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(**env)
    return caught.value


def test_an_empty_environment_says_nothing() -> None:
    assert read() == read(SESSIONFUL_MODEL="", SESSIONFUL_URL=" ", PATH="/bin") == Settings()


def test_everything_is_read_once_and_kept() -> None:
    env = {
        "SESSIONFUL_MODEL": "bedrock:us.amazon.nova-lite-v1:0",
        "SESSIONFUL_STORE": "./data/s.db",
        "SESSIONFUL_CONFIG": "a.yaml",
        "SESSIONFUL_URL": "https://host/base/",
        "SESSIONFUL_TOKEN": "hunter2",
        "SESSIONFUL_SESSION": "my trip",
        "SESSIONFUL_ALARMS": "./data/a.db",
        "SESSIONFUL_RUN_FOR": "0.5",
        "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1",
    }
    settings = Settings.from_environment(env)
    env.clear()
    assert settings.model == "bedrock:us.amazon.nova-lite-v1:0"
    assert (settings.store, settings.config, settings.session) == ("./data/s.db", "a.yaml", "my trip")
    assert (settings.url, settings.openai_base_url) == ("https://host/base", "http://127.0.0.1:11434/v1")
    assert (settings.alarms, settings.run_for) == ("./data/a.db", 0.5)
    assert settings.token is not None
    assert settings.token.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_the_processes_own_environment_is_read_when_asked_and_not_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSIONFUL_SESSION", "later")
    assert Settings.from_environment().session == "later"


@pytest.mark.parametrize("model", ["openai:gpt-4o", "anthropic:claude", "local", "scripted"])
def test_models_that_can_be_named(model: str) -> None:
    assert read(SESSIONFUL_MODEL=model).model == model


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("openai", "write openai:MODEL"),
        ("bedrock:", "write bedrock:MODEL"),
        ("openia:gpt-4o", "did you mean 'openai'?"),
        ("gpt-4o", "does not name a model"),
        ("scripted:x", "does not name a model"),
        ("local:m.gguf", "does not name a model"),
    ],
)
def test_a_model_that_cannot_be_named_is_refused(model: str, hint: str) -> None:
    error = refused(SESSIONFUL_MODEL=model)
    assert hint in error.message
    assert error.details["key"] == "SESSIONFUL_MODEL"


@pytest.mark.parametrize(
    "store", ["memory", "dynamodb:t", "/var/s.db", "sqlite:///s.db", "postgresql+psycopg://u:p@h/d", "mysql://u@h/d"]
)
def test_stores_that_can_be_named(store: str) -> None:
    settings = read(SESSIONFUL_STORE=store)
    assert settings.store == store
    assert store not in repr(settings)


def test_a_store_that_cannot_be_named_is_refused_without_its_password() -> None:
    error = refused(SESSIONFUL_STORE="postgre://u:hunter2@h/d")
    assert "did you mean 'postgres'?" in error.message
    assert "hunter2" not in error.message
    assert "dynamodb:TABLE" in refused(SESSIONFUL_STORE="dynamodb:").message


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://h", "http://", "http://[", "http://h:99999", "http://h:0"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert refused(SESSIONFUL_URL=url).details["key"] == "SESSIONFUL_URL"


def test_a_session_id_that_is_none_is_refused() -> None:
    assert "without '/'" in refused(SESSIONFUL_SESSION="a/b").message


@pytest.mark.parametrize("alarms", ["off", "No", "false", "0", "sqlite:///alarms.db", "redis://h"])
def test_alarms_that_are_no_file_are_refused(alarms: str) -> None:
    error = refused(SESSIONFUL_ALARMS=alarms)
    assert error.message == "SESSIONFUL_ALARMS is the path of a SQLite file, sqs:QUEUE_URL, or none"
    assert error.details["key"] == "SESSIONFUL_ALARMS"


@pytest.mark.parametrize("alarms", ["none", "None"])
def test_alarms_can_be_switched_off(alarms: str) -> None:
    assert read(SESSIONFUL_ALARMS=alarms).alarms == "none"


@pytest.mark.parametrize("seconds", ["0", "-1", "15m", "nan", "inf", "1e999"])
def test_a_time_that_is_no_number_of_seconds_is_refused(seconds: str) -> None:
    error = refused(SESSIONFUL_RUN_FOR=seconds)
    assert error.message == "SESSIONFUL_RUN_FOR is a number of seconds above 0"
    assert error.details["key"] == "SESSIONFUL_RUN_FOR"
