"""Stateful agent sessions on stateless functions.

    from sessionful import Agent, Message, Session, tool

Loaded when first named, so that a Lambda door pays only for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessionful.domain.message import Message as Message
    from sessionful.sdk.agent import Agent as Agent
    from sessionful.sdk.session import Session as Session
    from sessionful.tools.function import tool as tool

_HOMES = {
    "Agent": "sessionful.sdk.agent",
    "Message": "sessionful.domain.message",
    "Session": "sessionful.sdk.session",
    "tool": "sessionful.tools.function",
}
__all__ = ["Agent", "Message", "Session", "tool"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
