"""Long texts in pieces, so that no single value meets a limit of the database's protocol.

MySQL takes statements of 16 MB by default (`max_allowed_packet`). A character is at most four bytes there, escapes
included: a JSON text has its quotes and backslashes escaped once already, and the driver escapes each of them again.
"""

from sqlalchemy import bindparam, delete, insert, select

from sessionful.domain.session import Position
from sessionful.stores.sql.database import Transaction
from sessionful.stores.sql.failure import Moved
from sessionful.stores.sql.schema import PIECES

PIECE = 3_000_000
"""Characters of a piece; at most 12 MB of a statement."""

RUNNING_INLINE = 32_000
"""Characters of a running turn that its head carries itself: every step rewrites the head's row, so it stays small."""

_PLACE = (
    PIECES.c.log == bindparam("at_log"),
    PIECES.c.turn == bindparam("at_turn"),
    PIECES.c.step == bindparam("at_step"),
)
_PUT = insert(PIECES)
_GET = select(PIECES.c.payload).where(*_PLACE).order_by(PIECES.c.piece)
_DROP = delete(PIECES).where(*_PLACE)
_DROP_UNSTORED = delete(PIECES).where(
    PIECES.c.log == bindparam("at_log"), PIECES.c.turn >= bindparam("from_turn"), PIECES.c.step <= 0
)


def begun_at(turn: int) -> Position:
    """Where the message that a turn was begun with goes on; entries count their steps from 1."""
    return Position(turn, 0)


def waits_at(turn: int) -> Position:
    """Where a turn goes on while it waits. A place of its own: who reads it must not find the running turn's."""
    return Position(turn, -1)


def cut(text: str, inline: int) -> tuple[str, list[str]]:
    """What stays inline and the pieces of the rest."""
    if len(text) <= inline:
        return text, []
    return "", [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def put(tx: Transaction, log: str, place: Position, pieces: list[str]) -> None:
    for number, payload in enumerate(pieces):  # one statement each: several would make one packet again
        row = {"log": log, "turn": place.turn, "step": place.step, "piece": number, "payload": payload}
        tx.connection.execute(_PUT, row)


def join(tx: Transaction, log: str, place: Position, inline: str, pieces: int) -> str:
    """The whole text. Raises Moved when its pieces were dropped after the row they belong to was read."""
    if not pieces:
        return inline
    found = tx.connection.execute(_GET, _at(log, place)).scalars().all()
    if len(found) != pieces:
        raise Moved
    return "".join(found)


def drop(tx: Transaction, log: str, place: Position) -> None:
    tx.connection.execute(_DROP, _at(log, place))


def drop_unstored(tx: Transaction, log: str, last_turn: int) -> None:
    """Drops what running and waiting turns go on in; none of them is older than the last stored entry's."""
    tx.connection.execute(_DROP_UNSTORED, {"at_log": log, "from_turn": last_turn})


def _at(log: str, place: Position) -> dict[str, str | int]:
    return {"at_log": log, "at_turn": place.turn, "at_step": place.step}
