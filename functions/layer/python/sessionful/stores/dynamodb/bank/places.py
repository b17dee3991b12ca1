"""Where each item of a bank lies: one partition a scope, and in it the kinds told apart by their sort key.

- `M#<id>`: a memory, with its vector
- `D#<digest>`: which live memory of the scope says this, so that two never do
- `V`: the scope's version, and what was written last (see version.py)

The summaries of a log have a partition to themselves, in the order of their places (see summaries.py).
"""

import re

from sessionful.domain.memory import Scope
from sessionful.domain.session import Position
from sessionful.stores.dynamodb.keys import digest

VERSION = "V"
MEMORY = "M#"
SAYING = "D#"

MEMORIES = "M#", "M#~~"
EVERYTHING = "!", "~"
"""The first and the last sort key, both included."""

_SHORT = re.compile(r"[A-Za-z0-9_-]{1,64}")


def partition(scope: Scope) -> str:
    """What a scope leaves open is told apart from every name."""
    return f"M#{digest(*('-' if part is None else f'+{part}' for part in scope))}"


def memory(memory_id: str) -> str:
    return f"{MEMORY}{memory_id if _SHORT.fullmatch(memory_id) else '~' + digest(memory_id)}"


def saying(text_digest: str) -> str:
    return f"{SAYING}{text_digest if _SHORT.fullmatch(text_digest) else '~' + digest(text_digest)}"


def summaries(owner: str, agent: str, log: str) -> str:
    return f"U#{digest(owner, agent, log)}"


def summary(upto: Position) -> str:
    return f"{upto.turn:010d}#{upto.step:05d}"
