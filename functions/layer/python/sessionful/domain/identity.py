"""Identifiers: sortable by the time they were made, safe in URLs, hard to guess."""

import os

from sessionful.domain import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case: no i, l, o, u


def sortable_id(now_ms: int | None = None) -> str:
    """26 characters: 48 bits of time (ms since 1970) and 80 random bits, in the order of a ULID."""
    millis = clock.now_ms() if now_ms is None else now_ms
    number = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def new_session_id(now_ms: int | None = None) -> str:
    return f"sess_{sortable_id(now_ms)}"


def new_turn_id(number: int, nonce: str) -> str:
    """`turn_<number>_<nonce>`: the number finds the turn's record without an index, the nonce makes it unique."""
    return f"turn_{number}_{nonce}"


def turn_number(turn_id: str) -> int | None:
    """The number inside a turn's id, or None for anything that is not one."""
    match turn_id.split("_"):
        case ["turn", number, nonce] if nonce and number.isascii() and number.isdigit() and len(number) <= 10:
            return int(number)
    return None
