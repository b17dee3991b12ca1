"""What a deployment may be told: the keys of its YAML file, checked strictly."""

import difflib
import json
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from infra.packaging.dependencies import Architecture

_PARAMETER = r"ssm:[A-Za-z0-9_./-]+"
_SECRET = r"secretsmanager:[A-Za-z0-9/_+=.@:-]+(#[^#]+)?"


class DeploymentError(Exception):
    """What is wrong with a deployment's files, said plainly."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WebDoor(Strict):
    """`timeout` in seconds. API Gateway waits 30 s for an answer and no longer."""

    memory_mb: int = Field(default=1024, ge=128, le=10240)
    timeout: int = Field(default=29, ge=3, le=29)


class LongDoor(Strict):
    """`timeout` in seconds; Lambda ends everything after 900."""

    memory_mb: int = Field(default=1024, ge=128, le=10240)
    timeout: int = Field(default=900, ge=60, le=900)


class Doors(Strict):
    sessions: WebDoor = WebDoor()
    messages: WebDoor = WebDoor()
    stream: LongDoor = LongDoor()
    websocket: WebDoor = WebDoor(memory_mb=512)
    worker: LongDoor = LongDoor()
    curator: LongDoor = LongDoor(memory_mb=512, timeout=300)


class Table(Strict):
    """The most request units a second, each table and index for itself: what a runaway client can cost at most."""

    max_read_units: int = Field(default=2000, ge=1)
    max_write_units: int = Field(default=1000, ge=1)


class Api(Strict):
    """Requests a second, and how many may come at once, over all clients."""

    rate: int = Field(default=100, ge=1)
    burst: int = Field(default=200, ge=1)


class Settings(Strict):
    """A path is taken from the file's own folder. `secrets`: environment variables of the agents' YAML, and where
    their values lie. `bedrock_resources`: ARNs that a model id does not tell, such as an application inference
    profile's models."""

    prefix: str = Field(default="sessionful", pattern=r"^[a-z][a-z0-9-]{0,30}$")
    agents: Path
    allow_unauthenticated: bool = False
    iam_owner: Literal["caller", "role"] = "caller"
    origins: tuple[str, ...] = ()
    secrets: dict[str, str] = Field(default_factory=dict)
    bedrock_resources: tuple[str, ...] = ()
    keep_data: bool = False
    pitr: bool = True
    table: Table = Table()
    api: Api = Api()
    architecture: Architecture = "arm64"
    doors: Doors = Doors()
    worker_max_concurrency: int = Field(default=10, ge=2, le=1000)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] = 14
    alarm_email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    alarm_topic_arn: str | None = Field(default=None, pattern=r"^arn:[\w-]+:sns:")
    dashboard: bool = True
    adapter_layer_arn: str | None = Field(default=None, pattern=r"^arn:[\w-]+:lambda:.*:layer:.+:\d+$")

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and (not origin.startswith(("http://", "https://")) or origin.count("/") != 2):
                raise ValueError(f"{origin!r} is no origin such as https://app.example.com")
        return origins

    @field_validator("secrets")
    @classmethod
    def _are_references(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, reference in secrets.items():
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"{name!r} is no name of an environment variable")
            if not re.fullmatch(
                f"{_PARAMETER}|{_SECRET}", reference
            ):  # never repeated here: it may be the secret itself
                raise ValueError(f"{name} should be ssm:/name, secretsmanager:ID or secretsmanager:ID#key")
        return secrets

    @model_validator(mode="after")
    def _one_place_for_alarms(self) -> "Settings":
        if self.alarm_email is not None and self.alarm_topic_arn is not None:
            raise ValueError("alarm_email makes a topic and alarm_topic_arn names one: write one of them")
        return self


def read_yaml(path: Path) -> dict[str, Any]:
    """Raises DeploymentError."""
    try:
        data = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise DeploymentError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeploymentError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise DeploymentError(f"{path}: should be a mapping of keys and values")
    return data


def read_settings(path: Path, agents: Path | None = None) -> Settings:
    """`agents` instead of what the file says. Raises DeploymentError, which tells all the problems, a line each."""
    data = read_yaml(path)
    if agents is not None:
        data["agents"] = str(agents.resolve())
    try:
        # As JSON: there a list is a tuple's only spelling, and everything else stays strict.
        settings = Settings.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        problems = [f"{path}: {_told(dict(detail))}" for detail in error.errors(include_url=False, include_input=False)]
        raise DeploymentError("\n".join(problems)) from None
    return settings.model_copy(update={"agents": path.resolve().parent / settings.agents})


def _told(detail: dict[str, Any]) -> str:
    place = ".".join(str(step) for step in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _keys(detail["loc"][:-1])
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
        return f"{place}: unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}")
    text = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _keys(path: tuple[str | int, ...]) -> list[str]:
    model: Any = Settings
    for step in path:
        model = model.model_fields[str(step)].annotation
    return list(model.model_fields)
