"""What is made only once: how a repeated request is told from another one with the same idempotency key."""

import hashlib
import json
from typing import Any

from sessionful.domain.error import IdempotencyConflict

_DIGITS = 32


def digest(value: Any) -> str:
    """Of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def made_with(idempotency_key: str, meaning: Any) -> str:
    """What a thing is marked with that this request makes: one half stands for the key, one for the rest."""
    return f"{digest(idempotency_key)[:_DIGITS]}.{digest(meaning)[:_DIGITS]}"


def same_request(asked: str | None, mark: str | None) -> bool:
    """Whether the request `asked` made what bears this mark. Raises IdempotencyConflict when one with the same key did
    that meant something else."""
    if asked is None or mark is None or asked.partition(".")[0] != mark.partition(".")[0]:
        return False
    if asked != mark:
        raise IdempotencyConflict("the idempotency key was used with another request")
    return True
