"""What the environment says: `SESSIONFUL_*`, and where the vendors' own servers are."""

import difflib
import math
import os
from collections.abc import Callable, Mapping
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from sessionful.domain.error import ConfigError, InvalidRequest
from sessionful.domain.message import Value
from sessionful.domain.session import check_session_id

T = TypeVar("T")

_VENDORS = ("openai", "anthropic", "bedrock")
_BUILT_IN = ("local", "scripted")
_OFF = ("off", "no", "false", "0")  # somebody who writes this wants no file of that name
_DATABASES = ("sqlite", "postgres", "postgresql", "mysql", "mariadb")


class Settings(Value):
    """Of one process; None where the environment says nothing.

    `model` is `TYPE:MODEL` (openai, anthropic, bedrock), `local` or `scripted`. `store` is `memory`, `dynamodb:TABLE`,
    the path of a SQLite file or a database's URL, which may hold a password and is kept out of `repr`. `alarms` is the
    path of a SQLite file, `sqs:QUEUE_URL` or `none`. `run_for` is how many seconds a process carries a turn before it
    hands it over.
    """

    model: str | None = None
    store: str | None = Field(default=None, repr=False)
    config: str | None = None
    url: str | None = None
    token: SecretStr | None = None
    session: str | None = None
    alarms: str | None = None
    run_for: float | None = None
    openai_base_url: str | None = None
    anthropic_base_url: str | None = None

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Reads `env`, by default the process's own. A variable that is empty counts as not set. Raises ConfigError
        with the variable's name, and never its value where that may be a secret."""
        source = os.environ if env is None else env

        def read(name: str, check: Callable[[str, str], T]) -> T | None:
            value = source.get(name, "").strip()
            return check(name, value) if value else None

        token = read("SESSIONFUL_TOKEN", _as_it_is)
        return cls(
            model=read("SESSIONFUL_MODEL", _model),
            store=read("SESSIONFUL_STORE", _store),
            config=read("SESSIONFUL_CONFIG", _as_it_is),
            url=read("SESSIONFUL_URL", _url),
            token=None if token is None else SecretStr(token),
            session=read("SESSIONFUL_SESSION", _session),
            alarms=read("SESSIONFUL_ALARMS", _alarms),
            run_for=read("SESSIONFUL_RUN_FOR", _seconds),
            openai_base_url=read("OPENAI_BASE_URL", _url),
            anthropic_base_url=read("ANTHROPIC_BASE_URL", _url),
        )


def _as_it_is(name: str, value: str) -> str:
    return value


def _model(name: str, value: str) -> str:
    kind, colon, model = value.partition(":")
    if (kind in _BUILT_IN and not colon) or (kind in _VENDORS and model):
        return value
    if kind in _VENDORS:
        raise ConfigError(f"{name}: write {kind}:MODEL, with the vendor's model id", key=name)
    raise _wrong(name, "does not name a model; write openai:gpt-4o, local or scripted", kind, _VENDORS + _BUILT_IN)


def _store(name: str, value: str) -> str:
    kind, _, rest = value.partition(":")
    if kind == "dynamodb" and not rest:
        raise ConfigError(f"{name}: write dynamodb:TABLE", key=name)
    if "://" in value and kind.partition("+")[0] not in _DATABASES and kind != "dynamodb":
        message = "is not a database's URL; write sqlite:///FILE, postgresql://... or mysql://..."
        raise _wrong(name, message, kind, _DATABASES)
    return value


def _alarms(name: str, value: str) -> str:
    queue = value.removeprefix("sqs:")
    if queue != value and queue.startswith(("https://", "http://")):
        return value
    if "://" in value or value.lower() in _OFF:
        raise ConfigError(f"{name} is the path of a SQLite file, sqs:QUEUE_URL, or none", key=name)
    return "none" if value.lower() == "none" else value


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{name} is a number of seconds above 0", key=name)
    return seconds


def _url(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ConfigError(f"{name} is not a URL; write http://HOST:PORT or https://HOST", key=name)
    return value.rstrip("/")


def _session(name: str, value: str) -> str:
    try:
        return check_session_id(value)
    except InvalidRequest as error:
        raise ConfigError(f"{name}: {error.message}", key=name) from None


def _wrong(name: str, message: str, given: str, known: tuple[str, ...]) -> ConfigError:
    near = next(iter(difflib.get_close_matches(given, known, n=1)), None)
    hint = f"; did you mean {near!r}?" if near else ""
    return ConfigError(f"{name} {message}{hint}", key=name, nearest=near)
