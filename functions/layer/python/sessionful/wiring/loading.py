"""What a path names, imported when it is asked for: nothing is loaded that nobody chose."""

from importlib import import_module
from typing import Any


def load(path: str) -> Any:
    """`package.module:name`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
