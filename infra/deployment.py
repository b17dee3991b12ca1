"""One deployment: its settings, and what the agents' YAML asks of AWS.

Of that YAML only `auth`, the models and whether anything is remembered are looked at. What all its other keys mean is
the package's business.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from infra.settings import DeploymentError, Settings, read_settings, read_yaml

Access = Literal["iam", "jwt", "none"]
"""How callers prove who they are."""

_OWN_REGION = ("${AWS_REGION}", "${AWS_DEFAULT_REGION}")  # which Lambda sets


class Issuer(NamedTuple):
    """Whose tokens are taken, and for whom they must have been issued."""

    url: str
    audience: tuple[str, ...]


class BedrockModel(NamedTuple):
    """`region`: where it is called, if not in the deployment's own."""

    id: str
    region: str | None


class Deployment(NamedTuple):
    """`remembers`: some agent has long-term memory."""

    settings: Settings
    access: Access
    issuer: Issuer | None
    models: tuple[BedrockModel, ...]
    remembers: bool = False


def load(path: Path, agents: Path | None = None) -> Deployment:
    """`agents` instead of the file that the settings name. Raises DeploymentError."""
    settings = read_settings(path, agents)
    data = read_yaml(settings.agents)
    issuer = _issuer(data["auth"] or {}, settings) if "auth" in data else None
    if issuer is not None and settings.allow_unauthenticated:
        raise DeploymentError(f"{path}: allow_unauthenticated contradicts the block 'auth' of {settings.agents}")
    access: Access = "jwt" if issuer is not None else "none" if settings.allow_unauthenticated else "iam"
    models = tuple(dict.fromkeys(_models(data, settings)))
    remembers = any(block.get("longterm") is not None for block, _ in _entries(data, "agents", "memory"))
    return Deployment(settings, access, issuer, models, remembers)


def _issuer(auth: Any, settings: Settings) -> Issuer:
    issuer = _text(auth, "issuer", "auth", settings)
    given = auth.get("audience") if isinstance(auth, dict) else None
    audience = given if isinstance(given, list) else [_text(auth, "audience", "auth", settings)]
    if not issuer.startswith("https://"):
        raise DeploymentError(f"{settings.agents}: auth.issuer: API Gateway takes an https:// address")
    return Issuer(issuer, tuple(_written_out(str(one), "auth.audience", settings) for one in audience))


def _models(data: dict[str, Any], settings: Settings) -> Iterator[BedrockModel]:
    for block, place in [*_entries(data, "llms"), *_entries(data, "agents", "llm"), *_entries(data, "embedders")]:
        if block.get("type") != "bedrock":
            continue
        region = block.get("region")
        own = region is None or region in _OWN_REGION
        where = None if own else _written_out(str(region), f"{place}.region", settings)
        yield BedrockModel(_text(block, "model", place, settings), where)


def _entries(data: dict[str, Any], section: str, inner: str | None = None) -> Iterator[tuple[dict[str, Any], str]]:
    entries = data.get(section)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        block = entry.get(inner) if inner is not None and isinstance(entry, dict) else entry
        if isinstance(block, dict):
            yield block, ".".join([section, str(name), *([inner] if inner else [])])


def _text(block: Any, key: str, place: str, settings: Settings) -> str:
    value = block.get(key) if isinstance(block, dict) else None
    if not isinstance(value, str) or not value:
        raise DeploymentError(f"{settings.agents}: {place}.{key} is missing: the stacks need it")
    return _written_out(value, f"{place}.{key}", settings)


def _written_out(value: str, place: str, settings: Settings) -> str:
    """On Lambda no variable is set but the secrets, so a default always counts, and what has none cannot be known."""

    def default(found: re.Match[str]) -> str:
        name, otherwise, text = found[1].partition(":-")
        if not otherwise or name in settings.secrets:
            raise DeploymentError(f"{settings.agents}: {place}: write it out: the stacks cannot know ${{{name}}}")
        return text

    return re.sub(r"\$\{([^}]*)\}", default, value)
