"""The one place that chooses implementations: which class stands behind a model's type or a store's name."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from sessionful.domain.error import ConfigError
from sessionful.ports import Model, SessionLog

_MODELS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "openai": (
        "sessionful.models.openai",
        "OpenAIModel",
        frozenset({"model", "api_key", "base_url", "timeout", "max_retries"}),
    ),
    "anthropic": (
        "sessionful.models.anthropic",
        "AnthropicModel",
        frozenset({"model", "api_key", "base_url", "timeout", "max_retries"}),
    ),
    "bedrock": ("sessionful.models.bedrock", "BedrockModel", frozenset({"model", "region", "timeout", "max_retries"})),
    "local": ("sessionful.models.local", "LocalModel", frozenset({"path"})),
    "scripted": ("sessionful.models.scripted", "ScriptedModel", frozenset({"replies", "delay"})),
}


def make_model(kind: str | None, model: str | None = None, **options: Any) -> Model:
    """A model by its type. Without a type the small local one. Raises ConfigError for what the type does not take."""
    kind = kind or "local"
    if kind not in _MODELS:
        nearest = get_close_matches(kind, _MODELS, n=1)
        raise ConfigError(f"unknown model type {kind!r}", key="type", known=[*_MODELS], nearest=nearest)
    module, name, takes = _MODELS[kind]
    given = {**({"model": model} if model is not None else {}), **options}
    if "model" in takes and model is None:
        raise ConfigError(f"a model of type {kind!r} needs the vendor's model id", key="model")
    surplus = sorted(set(given) - takes - {"model"})
    if surplus:
        raise ConfigError(f"a model of type {kind!r} takes no {surplus[0]!r}", key=surplus[0], known=sorted(takes))
    if "model" not in takes:
        given.pop("model", None)
    if kind == "openai" and "base_url" not in given and os.environ.get("OPENAI_BASE_URL"):
        given["base_url"] = os.environ["OPENAI_BASE_URL"]
    made: Model = getattr(import_module(module), name)(**given)
    return made


def sql_log(url: str) -> SessionLog:
    log: SessionLog = import_module("sessionful.stores.sql").SqlLog.open(url)
    return log


def dynamodb_log(table: str, region: str | None = None, endpoint_url: str | None = None) -> SessionLog:
    store = import_module("sessionful.stores.dynamodb").DynamoDBLog
    log: SessionLog = store.open(table, region=region, endpoint_url=endpoint_url)
    return log


def memory_log() -> SessionLog:
    log: SessionLog = import_module("sessionful.stores.in_memory").InMemoryLog()
    return log
