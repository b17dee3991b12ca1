"""The one place that chooses implementations: what stands behind a model's type, a store's name, a tool's name."""

from sessionful.wiring.models import make_embedder, make_model, model_of
from sessionful.wiring.service import DEFAULT_AGENT, Deployed, check_names, open_owner, open_service
from sessionful.wiring.stores import DEFAULT_STORE, addresses, alarms_address, make_log, open_alarms, open_bank

__all__ = [
    "DEFAULT_AGENT",
    "DEFAULT_STORE",
    "Deployed",
    "addresses",
    "alarms_address",
    "check_names",
    "make_embedder",
    "make_log",
    "make_model",
    "model_of",
    "open_alarms",
    "open_bank",
    "open_owner",
    "open_service",
]
