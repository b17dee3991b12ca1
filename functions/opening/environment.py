"""What a door's environment says. What is wrong with it is a ConfigError that names the variable: a door that cannot
know who may ask, or where sessions are kept, does not open."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Literal, Self, get_args
from urllib.parse import urlsplit

from sessionful.domain.error import ConfigError
from sessionful.domain.message import Value
from sessionful.settings import Settings

Auth = Literal["iam", "jwt", "none"]
IamOwner = Literal["caller", "role"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ORIGIN = re.compile(r"https?://[^/?#\s@]+")


class Environment(Value):
    """Of every door. `config` is the file of the agents; `store` and `alarms` are what all of them use. `secrets` maps
    a name in that file, written `${NAME}`, to where its value is kept."""

    config: str
    store: str
    alarms: str
    secrets: Mapping[str, str]
    settings: Settings

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        settings = Settings.from_environment(env)
        store, alarms = settings.store or "", settings.alarms or ""
        if not store.startswith("dynamodb:"):
            raise _wrong("SESSIONFUL_STORE", "has to be dynamodb:TABLE: a function keeps no file and no connection")
        if not alarms.startswith("sqs:"):
            raise _wrong("SESSIONFUL_ALARMS", "has to be sqs:QUEUE_URL: who else would carry a turn on")
        if settings.config is None:
            raise _wrong("SESSIONFUL_CONFIG", "has to name the file of the agents")
        return cls(config=settings.config, store=store, alarms=alarms, secrets=_secrets(env), settings=settings)


class Access(Value):
    """Of a door that is asked from outside: how a caller proves who it is, and which web pages may ask.

    Under IAM a session belongs to the `caller`, a user or a role's session by its name, or to everybody in its `role`.
    """

    auth: Auth
    iam_owner: IamOwner
    origins: tuple[str, ...]

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError. Nothing stands for SESSIONFUL_AUTH when it is not set: nobody is let in by mistake."""
        auth: Auth = _one_of(env, "SESSIONFUL_AUTH", get_args(Auth))
        iam_owner: IamOwner = _one_of(env, "SESSIONFUL_IAM_OWNER", get_args(IamOwner), "caller")
        return cls(auth=auth, iam_owner=iam_owner, origins=_origins(env))


def stream_url(env: Mapping[str, str] = os.environ) -> str | None:
    """Where streams are; None where there are none. Raises ConfigError."""
    url = env.get("SESSIONFUL_STREAM_URL", "").strip().rstrip("/")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        raise _wrong("SESSIONFUL_STREAM_URL", "is not a URL; write https://HOST")
    return url or None


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...], default: str | None = None) -> Any:
    value = env.get(name, "").strip() or default
    if value not in known:
        raise _wrong(name, f"has to be one of {', '.join(known)}")
    return value


def _origins(env: Mapping[str, str]) -> tuple[str, ...]:
    given = [origin.strip() for origin in env.get("SESSIONFUL_ORIGINS", "").split(",")]
    origins = tuple(origin for origin in given if origin)
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
        raise _wrong("SESSIONFUL_ORIGINS", "lists origins such as https://app.example.com, with commas between, or *")
    return origins


def _secrets(env: Mapping[str, str]) -> dict[str, str]:
    try:
        value = json.loads(env.get("SESSIONFUL_SECRETS", "").strip() or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(place, str) for place in value.values()):
        raise _wrong("SESSIONFUL_SECRETS", 'is a JSON object such as {"OPENAI_API_KEY": "ssm:/name"}')
    if not all(_NAME.fullmatch(name) for name in value):
        raise _wrong("SESSIONFUL_SECRETS", "names variables as the agents' YAML does: letters, digits and _")
    return value


def _wrong(name: str, message: str) -> ConfigError:
    return ConfigError(f"{name} {message}", key=name)
