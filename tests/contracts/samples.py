"""Sessions, turns and entries for tests that care about one field and not about the others."""

from base64 import b64encode
from collections.abc import Sequence
from random import Random
from typing import Any

from sessionful.domain.identity import sortable_id
from sessionful.domain.message import Message
from sessionful.domain.session import Position, Session, SessionKey
from sessionful.domain.turn import Entry, NewTurn, Window
from sessionful.domain.usage import Usage
from tests.contracts.clock import NOON

KEY = SessionKey("ada", "guide", "trip")
FIRST = Position(1, 1)
LEASE_MS = 60_000
WINDOW = Window(entries=100, bytes=1_000_000)
STEP_USAGE = Usage(input_tokens=10, output_tokens=3, cached_tokens=2, cache_write_tokens=1)


def a_key(id: str = "trip", owner: str = "ada", agent: str = "guide") -> SessionKey:
    return SessionKey(owner, agent, id)


def a_session(key: SessionKey = KEY, at: int = NOON, **fields: Any) -> Session:
    return Session(key=key, **{"log": sortable_id(), "created_at": at, "updated_at": at, **fields})


def a_turn(text: str = "hello", **fields: Any) -> NewTurn:
    return NewTurn(
        **{"nonce": sortable_id(), "agent": "guide", "message": Message.user(text), "lease_ms": LEASE_MS, **fields}
    )


def an_entry(text: str = "noted", position: Position = FIRST, **fields: Any) -> Entry:
    """An entry by itself, as it is put in by hand or at a session's making."""
    defaults = {
        "position": position,
        "turn_id": f"turn_{position.turn}_byhand",
        "agent": "guide",
        "at": NOON,
        "started_at": NOON,
        "given": (Message.user(text),),
        "message_count": 1,
    }
    return Entry(**{**defaults, **fields})


def texts(entries: Sequence[Entry]) -> list[str]:
    """What is said in these entries, message by message."""
    return [message.text for entry in entries for message in entry.messages]


def places(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    return [(entry.position.turn, entry.position.step) for entry in entries]


def bulk(size: int, seed: str = "0123456789abcdef") -> str:
    return (seed * (size // len(seed) + 1))[:size]


def noise(size: int, seed: int = 0) -> str:
    """Text that no compression makes much smaller, the same at every run."""
    return b64encode(Random(seed).randbytes(size)).decode()[:size]
