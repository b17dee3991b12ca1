"""The tables.

A session's head is one row of `sessionful_heads`, found by a digest of owner, agent and id, so that no collation,
trailing space or length of an index ever decides who is who. What a turn moves has columns of its own; the rest of the
head is one JSON document, `profile`. Entries hang on the log they were written in, which may outlive its session:
`sessionful_holds` says which sessions (named by their own logs) still see a log, and a log that nobody holds is erased.
Texts too long for one value go on in `sessionful_pieces`; step 0 of a turn is the message it was begun with, step -1
the same while it waits. A turn that waits is a row of `sessionful_queue`; what a running turn has flushed of its open
step lies in `sessionful_groups` until the step is stored. Beside a SQLite file, entries too long for a row are files:
`pieces` is then -1 and `payload` the file's name; `sessionful_erased` notes the logs whose files are still to be
erased.

A memory is one row of `sessionful_memories`, found by digests of its scope and of its id. `live` is the digest of its
text as long as it holds: two of one scope cannot be the same. `words` and `vector` are what a search looks at, so they
stand before the rest, which is one JSON document. `by_hand`: somebody put it in without a source. Its sources are rows
of `sessionful_memory_sources`.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import CHAR, LONGTEXT, VARCHAR

VERSION = 3
"""Of this layout. A database that was laid out by a newer release is refused, not guessed at; one of an older release
is given the tables, columns and indexes it lacks, so every new column has to be empty or to have a default."""

METADATA = MetaData()

# Compared byte by byte: a collation of the operating system may change under an index of PostgreSQL.
_DIGEST = (
    String(64)
    .with_variant(String(64, collation="C"), "postgresql")
    .with_variant(CHAR(64, charset="ascii", collation="ascii_bin"), "mysql")
)
_LOG = (
    String(128)
    .with_variant(String(128, collation="C"), "postgresql")
    .with_variant(VARCHAR(128, charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
)
_TEXT = Text().with_variant(LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")


def _table(name: str, *parts: Column[Any] | Index | ForeignKeyConstraint) -> Table:
    return Table(f"sessionful_{name}", METADATA, *parts, mysql_engine="InnoDB", mysql_charset="utf8mb4")


def _of_log(name: str, erased_with_it: bool) -> "Column[str]":
    reference = ForeignKey("sessionful_logs.log", ondelete="CASCADE" if erased_with_it else None)
    return Column(name, _LOG, reference, primary_key=True)


SCHEMA = _table(
    "schema",
    Column("part", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
)

LOGS = _table("logs", Column("log", _LOG, primary_key=True))

HEADS = _table(
    "heads",
    Column("session", _DIGEST, primary_key=True),
    Column("shelf", _DIGEST, nullable=False),
    # For the eyes of whoever looks into the table; the profile has them as they are.
    Column("owner", _TEXT, nullable=False),
    Column("agent", _TEXT, nullable=False),
    Column("id", _TEXT, nullable=False),
    Column("log", _LOG, ForeignKey("sessionful_logs.log"), nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("turns", BigInteger, nullable=False),
    Column("queued", BigInteger, nullable=False, server_default="0"),
    Column("last_turn", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("message_count", BigInteger, nullable=False),
    Column("token_usage", _TEXT, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("running_turn", BigInteger),
    Column("attempt", BigInteger),
    Column("lease_until", BigInteger),
    Column("cancel_asked", Boolean),
    Column("released", Boolean),
    # The call that admitted the turn or took it over: it knows itself again when its answer was lost.
    Column("taken_by", String(64)),
    # The number of the lease's newest group, and how many groups of any lease are kept.
    Column("told", BigInteger),
    Column("flushed", BigInteger),
    Column("running_pieces", Integer, nullable=False),
    Column("running", _TEXT),
    Column("profile", _TEXT, nullable=False),
    Index("sessionful_heads_listed", "shelf", "updated_at", "session"),
    Index("sessionful_heads_expiring", "expires_at"),
)

ENTRIES = _table(
    "entries",
    _of_log("log", erased_with_it=True),
    Column("turn", BigInteger, primary_key=True, autoincrement=False),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("payload", _TEXT, nullable=False),
)

PIECES = _table(
    "pieces",
    _of_log("log", erased_with_it=True),
    Column("turn", BigInteger, primary_key=True, autoincrement=False),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("payload", _TEXT, nullable=False),
)

QUEUE = _table(
    "queue",
    _of_log("log", erased_with_it=True),
    Column("turn", BigInteger, primary_key=True, autoincrement=False),
    Column("cancel_asked", Boolean, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("payload", _TEXT, nullable=False),
)

GROUPS = _table(
    "groups",
    _of_log("log", erased_with_it=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("payload", _TEXT, nullable=False),
)

KEYS = _table(
    "keys",
    _of_log("log", erased_with_it=True),
    Column("digest", _DIGEST, primary_key=True),
    Column("turn_id", _TEXT, nullable=False),
    Column("request_hash", _TEXT),
)

ERASED = _table("erased", Column("log", _LOG, primary_key=True))

HOLDS = _table(
    "holds",
    _of_log("log", erased_with_it=False),
    Column("holder", _LOG, primary_key=True),
    Index("sessionful_holds_holder", "holder", "log"),
)

MEMORIES = _table(
    "memories",
    Column("scope", _DIGEST, primary_key=True),
    Column("memory", _DIGEST, primary_key=True),
    Column("live", _DIGEST),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("by_hand", Boolean, nullable=False),
    Column("model", _DIGEST),
    Column("vector", LargeBinary, nullable=False),
    Column("words", _TEXT, nullable=False),
    Column("document", _TEXT, nullable=False),
    Index("sessionful_memories_live", "scope", "live", unique=True),
    Index("sessionful_memories_listed", "scope", "created_at", "memory"),
    Index("sessionful_memories_expiring", "expires_at"),
)

MEMORY_SOURCES = _table(
    "memory_sources",
    Column("scope", _DIGEST, primary_key=True),
    Column("memory", _DIGEST, primary_key=True),
    Column("source", _DIGEST, primary_key=True),
    Column("log", _DIGEST, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("payload", _TEXT, nullable=False),
    ForeignKeyConstraint(
        ["scope", "memory"], ["sessionful_memories.scope", "sessionful_memories.memory"], ondelete="CASCADE"
    ),
    Index("sessionful_memory_sources_log", "scope", "log"),
)

SUMMARIES = _table(
    "summaries",
    Column("log", _DIGEST, primary_key=True),
    Column("turn", BigInteger, primary_key=True, autoincrement=False),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", _TEXT, nullable=False),
)
