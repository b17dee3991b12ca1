"""Where each item of a session lies: one partition a session, and in it the kinds told apart by their sort key.

- `H`: the head
- `L#<log>#<turn>#<step>`: an entry
- `C#<log>#<nonce>#<number>`: a piece of an entry that is too big for one item
- `D#<log>#<nonce>#<number>`: a piece of the head's settings, or of the running turn's message
- `I#<digest>`: an idempotency key
- `Q#<log>#<turn>`: a turn that waits
- `T#<log>#<epoch>#<group>#<number>`: a piece of a chunk, the groups flushed up to that one (see groups.py)
- `R#<log>`: what remains of a deleted session, while its log is being erased or forks still share it; or, until it
  expires, the mark that all this is done (see erasing.py)

Where there is a place for objects, what is too big for pieces is one of the same kind: `<log>/<kind><nonce>`.
"""

import base64
import hashlib
import json
import secrets

from sessionful.domain.session import Position, SessionKey

HEAD = "H"
ENTRY = "L"
ENTRY_PIECE = "C"
HEAD_PIECE = "D"
IDEMPOTENCY = "I"
QUEUE = "Q"
CHUNK = "T"
REMAINS = "R"

LAST_STEP = 99_999
_LAST_TURN = 9_999_999_999
_LAST_PIECE = 9_999
_LONGEST_LOG = 64


def digest(*parts: str) -> str:
    """22 characters for parts of any length and content; JSON keeps ("ab", "c") and ("a", "bc") apart."""
    hashed = hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def nonce() -> str:
    return secrets.token_urlsafe(9)


def partition(key: SessionKey) -> str:
    return f"S#{digest(*key)}"


def listing(owner: str, agent: str) -> str:
    """The partition of the index that lists the owner's sessions with this agent."""
    return digest(owner, agent)


def log_name(log: str) -> str:
    """A log's name as sort keys have it: never with the separator in it."""
    return log if log.isalnum() and log.isascii() and len(log) <= _LONGEST_LOG else f"~{digest(log)}"


def entry(log: str, at: Position) -> str:
    return f"{ENTRY}#{log_name(log)}#{at.turn:010d}#{at.step:05d}"


def position(sort: str) -> Position:
    """The place of the entry with this sort key."""
    _, _, turn, step = sort.split("#")
    return Position(int(turn), int(step))


def entry_range(log: str, low: Position, high: Position) -> tuple[str, str]:
    """The first and the last sort key of the entries with low < position <= high."""
    first = Position(low.turn, low.step + 1) if low.step < LAST_STEP else Position(low.turn + 1, 0)
    last = Position(min(high.turn, _LAST_TURN), min(high.step, LAST_STEP))
    return entry(log, first), entry(log, last)


def pieces(kind: str, log: str, nonce: str, count: int) -> list[str]:
    return [f"{kind}#{log_name(log)}#{nonce}#{number:04d}" for number in range(count)]


def object_name(kind: str, log: str, nonce: str) -> str:
    return f"{log_name(log)}/{kind}{nonce}"


def object_prefix(log: str, kind: str = "") -> str:
    """How the objects of this kind begin, or all of the log's."""
    return object_name(kind, log, "")


def idempotency(key: str) -> str:
    return f"{IDEMPOTENCY}#{digest(key)}"


def waiting(log: str, turn: int) -> str:
    return f"{QUEUE}#{log_name(log)}#{turn:010d}"


def waiting_range(log: str) -> tuple[str, str]:
    """The first and the last sort key of the turns that wait."""
    return waiting(log, 0), waiting(log, _LAST_TURN)


def chunk(log: str, epoch: int, group: int, number: int) -> str:
    return f"{CHUNK}#{log_name(log)}#{epoch:010d}#{group:010d}#{number:04d}"


def chunk_range(log: str, epoch: int, low: int, high: int) -> tuple[str, str]:
    """The first and the last sort key of the chunks whose last groups have low < number <= high."""
    return chunk(log, epoch, low + 1, 0), chunk(log, epoch, high, _LAST_PIECE)


def last_group(sort: str) -> int:
    """The last group of the chunk with this sort key."""
    return int(sort.split("#")[3])


def remains(log: str) -> str:
    return f"{REMAINS}#{log_name(log)}"
