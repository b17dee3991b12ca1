"""Secrets by reference: read once when a door opens, from AWS Systems Manager or Secrets Manager.

The values go into the mapping that the agents' YAML is expanded from, and nowhere else.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from sessionful.domain.error import ConfigError

_AT_ONCE = 10  # parameters in one request
_TRIES = 4
_FORMS = "write ssm:/name, secretsmanager:NAME or secretsmanager:NAME#json-key"


class _Reference(NamedTuple):
    """`key` is the one in a secret that is a JSON object."""

    kind: str
    place: str
    key: str

    @classmethod
    def read(cls, name: str, text: str) -> "_Reference":
        kind, _, rest = text.partition(":")
        place, hash_, key = rest.partition("#") if kind == "secretsmanager" else (rest, "", "")
        if kind not in ("ssm", "secretsmanager") or not place or (hash_ and not key):
            raise ConfigError(f"SESSIONFUL_SECRETS: {name} has no reference; {_FORMS}", key="SESSIONFUL_SECRETS")
        return cls(kind, place, key)


def resolve(wanted: Mapping[str, str]) -> dict[str, str]:
    """The value of each name. Raises ConfigError, which names the reference and what refused it, and no value."""
    references = {name: _Reference.read(name, text) for name, text in wanted.items()}
    places: dict[str, list[str]] = {"ssm": [], "secretsmanager": []}
    for reference in references.values():
        if reference.place not in places[reference.kind]:
            places[reference.kind].append(reference.place)
    found = {"ssm": _parameters(places["ssm"]), "secretsmanager": _secrets(places["secretsmanager"])}
    return {name: _value(name, reference, found[reference.kind]) for name, reference in references.items()}


class _Refused(NamedTuple):
    """Stands where a value would: why there is none."""

    code: str


_Found = Mapping[str, str | _Refused]


def _value(name: str, reference: _Reference, found: _Found) -> str:
    value = found[reference.place]
    if isinstance(value, str) and reference.key:
        value = _member(value, reference.key)
    if isinstance(value, _Refused):
        where = f"{reference.kind}:{reference.place}{'#' if reference.key else ''}{reference.key}"
        raise ConfigError(f"SESSIONFUL_SECRETS: {name}: {where}: {value.code}", key="SESSIONFUL_SECRETS", name=name)
    return value


def _member(text: str, key: str) -> str | _Refused:
    try:
        value = json.loads(text)
    except ValueError:
        return _Refused("the secret is not JSON")
    member = value.get(key) if isinstance(value, dict) else None
    return member if isinstance(member, str) else _Refused("the secret has no such key, or no text there")


def _parameters(names: list[str]) -> _Found:
    """In as few requests as possible; one that fails is the answer for all that it asked for."""
    if not names:
        return {}
    client = _client("ssm")
    found: dict[str, str | _Refused] = dict.fromkeys(names, _Refused("ParameterNotFound"))
    for start in range(0, len(names), _AT_ONCE):
        asked = names[start : start + _AT_ONCE]
        answer = _asked(lambda names=asked: client.get_parameters(Names=names, WithDecryption=True))
        if isinstance(answer, _Refused):
            found.update(dict.fromkeys(asked, answer))
            continue
        found.update({parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]})
    return found


def _secrets(names: list[str]) -> _Found:
    """Side by side. (BatchGetSecretValue would need a permission that cannot be limited to these.)"""
    if not names:
        return {}
    client = _client("secretsmanager")

    def one(name: str) -> str | _Refused:
        answer = _asked(lambda: client.get_secret_value(SecretId=name))
        if isinstance(answer, _Refused):
            return answer
        text = answer.get("SecretString")
        return text if isinstance(text, str) else _Refused("the secret is binary")

    with ThreadPoolExecutor(min(len(names), _AT_ONCE)) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _asked(ask: Any) -> dict[str, Any] | _Refused:
    """AWS's code, never its text, which can name the account."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = ask()
        return answer
    except ClientError as error:
        return _Refused(str(error.response.get("Error", {}).get("Code")))
    except BotoCoreError as error:
        return _Refused(type(error).__name__)


def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    patient = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": _TRIES})
    return boto3.client(service, config=patient)
