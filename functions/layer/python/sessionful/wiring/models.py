"""Models and embedders by their type and by their short name."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sessionful.domain.error import ConfigError
from sessionful.ports import Embedder, Model
from sessionful.wiring.loading import load

_NETWORK = frozenset({"model", "api_key", "base_url", "timeout", "max_retries"})
_MODELS: Mapping[str, tuple[str, frozenset[str]]] = {
    "openai": ("sessionful.models.openai:OpenAIModel", _NETWORK),
    "anthropic": ("sessionful.models.anthropic:AnthropicModel", _NETWORK),
    "bedrock": ("sessionful.models.bedrock:BedrockModel", frozenset({"model", "region", "timeout", "max_retries"})),
    "local": ("sessionful.models.local:LocalModel", frozenset({"path"})),
    "scripted": ("sessionful.models.scripted:ScriptedModel", frozenset({"replies", "delay"})),
}
_EMBEDDERS: Mapping[str, tuple[str, frozenset[str]]] = {
    "openai": ("sessionful.embedders.openai:OpenAIEmbedder", _NETWORK | {"dimensions"}),
    "bedrock": (
        "sessionful.embedders.bedrock:BedrockEmbedder",
        frozenset({"model", "region", "dimensions", "timeout", "max_retries"}),
    ),
    "local": ("sessionful.embedders.local:LocalEmbedder", frozenset({"dimensions"})),
    "scripted": ("sessionful.embedders.scripted:ScriptedEmbedder", frozenset({"dimensions"})),
}


def make_model(kind: str | None, model: str | None = None, **options: Any) -> Model:
    """A model by its type. Without a type the small local one. Raises ConfigError for what the type does not take."""
    kind = kind or "local"
    if kind not in _MODELS:
        nearest = get_close_matches(kind, _MODELS, n=1)
        raise ConfigError(f"unknown model type {kind!r}", key="type", known=[*_MODELS], nearest=nearest)
    path, takes = _MODELS[kind]
    if "model" in takes:
        if model is None:
            raise ConfigError(f"a model of type {kind!r} needs the vendor's model id", key="model")
        options["model"] = model
    given = _given(options, takes, f"a model of type {kind!r}")
    if kind == "openai" and "base_url" not in given and os.environ.get("OPENAI_BASE_URL"):
        given["base_url"] = os.environ["OPENAI_BASE_URL"]
    made: Model = load(path)(**given)
    return made


def model_of(spec: str | None) -> Model:
    """A model by its short name: `openai:gpt-4o`, `anthropic:…`, `bedrock:…`, `local` (also for none) or `scripted`."""
    kind, _, model = (spec or "local").partition(":")
    return make_model(kind, model or None)


def make_embedder(kind: str, **options: Any) -> Embedder:
    """An embedder by its type. Raises ConfigError for what the type does not take."""
    if kind not in _EMBEDDERS:
        nearest = get_close_matches(kind, _EMBEDDERS, n=1)
        raise ConfigError(f"unknown embedder type {kind!r}", key="type", known=[*_EMBEDDERS], nearest=nearest)
    path, takes = _EMBEDDERS[kind]
    given = _given(options, takes, f"an embedder of type {kind!r}")
    if kind == "openai" and "base_url" not in given and os.environ.get("OPENAI_BASE_URL"):
        given["base_url"] = os.environ["OPENAI_BASE_URL"]
    made: Embedder = load(path)(**given)
    return made


def default_embedder() -> Embedder | None:
    """The local one where its packages are installed, else none: memories are then found by their words alone."""
    return make_embedder("local") if load("sessionful.embedders.local:installed")() else None


def _given(options: Mapping[str, Any], takes: frozenset[str], what: str) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    surplus = sorted(set(given) - takes)
    if surplus:
        raise ConfigError(f"{what} takes no {surplus[0]!r}", key=surplus[0], known=sorted(takes))
    return given
