"""Where sessions are kept. Every store passes tests/contracts; none knows another. Loaded when first named."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessionful.stores.four_verbs import SessionStore as SessionStore
    from sessionful.stores.named import DynamoDBStore as DynamoDBStore
    from sessionful.stores.named import InMemoryStore as InMemoryStore
    from sessionful.stores.named import MemoryStore as MemoryStore
    from sessionful.stores.named import SQLiteStore as SQLiteStore

_HOMES = {
    "SessionStore": "sessionful.stores.four_verbs",
    "MemoryStore": "sessionful.stores.named",
    "InMemoryStore": "sessionful.stores.named",
    "SQLiteStore": "sessionful.stores.named",
    "DynamoDBStore": "sessionful.stores.named",
}
__all__ = ["DynamoDBStore", "InMemoryStore", "MemoryStore", "SQLiteStore", "SessionStore"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
