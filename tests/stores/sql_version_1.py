"""A database as the first release laid it out, with a session in it: what an upgrade finds."""

import json
import re
from typing import Any

from sqlalchemy import Connection, Engine, text

# Digests of (owner, agent, id), of (owner, agent) and of the idempotency key, as the first release wrote them.
SESSION = "08178d91a05304ea88d7bb34142d06ae6912452b9418403b0ce67b5144681379"
SHELF = "bd3fafcdc99fae75b1f76172383bb75f4f6685210c3bdb27a742752688f8b804"
KEY_OF_K = "33e16bc480019ee4a86b6fb0c02650dad76f1f880c37c0f56aed865a18a7fcca"

TYPES = {
    "sqlite": {"DIGEST": "VARCHAR(64)", "LOG": "VARCHAR(128)", "LONG": "TEXT", "END": ""},
    "postgresql": {
        "DIGEST": 'VARCHAR(64) COLLATE "C"',
        "LOG": 'VARCHAR(128) COLLATE "C"',
        "LONG": "TEXT",
        "END": "",
    },
    "mysql": {
        "DIGEST": "CHAR(64) CHARACTER SET ascii COLLATE ascii_bin",
        "LOG": "VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "LONG": "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "END": "ENGINE=InnoDB CHARSET=utf8mb4",
    },
}
TABLES = """
CREATE TABLE sessionful_logs (log LOG NOT NULL, PRIMARY KEY (log)) END;
CREATE TABLE sessionful_schema (part VARCHAR(32) NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (part)) END;
CREATE TABLE sessionful_entries (
    log LOG NOT NULL, turn BIGINT NOT NULL, step BIGINT NOT NULL, size BIGINT NOT NULL, pieces INTEGER NOT NULL,
    payload LONG NOT NULL, PRIMARY KEY (log, turn, step),
    FOREIGN KEY(log) REFERENCES sessionful_logs (log) ON DELETE CASCADE
) END;
CREATE TABLE sessionful_heads (
    session DIGEST NOT NULL, shelf DIGEST NOT NULL, owner LONG NOT NULL, agent LONG NOT NULL, id LONG NOT NULL,
    log LOG NOT NULL, version BIGINT NOT NULL, epoch BIGINT NOT NULL, turns BIGINT NOT NULL, last_turn BIGINT NOT NULL,
    last_step BIGINT NOT NULL, message_count BIGINT NOT NULL, token_usage LONG NOT NULL, updated_at BIGINT NOT NULL,
    expires_at BIGINT, running_turn BIGINT, attempt BIGINT, lease_until BIGINT, cancel_asked BOOLEAN,
    running_pieces INTEGER NOT NULL, running LONG, profile LONG NOT NULL,
    PRIMARY KEY (session), UNIQUE (log), FOREIGN KEY(log) REFERENCES sessionful_logs (log)
) END;
CREATE INDEX sessionful_heads_listed ON sessionful_heads (shelf, updated_at, session);
CREATE TABLE sessionful_holds (
    log LOG NOT NULL, holder LOG NOT NULL, PRIMARY KEY (log, holder),
    FOREIGN KEY(log) REFERENCES sessionful_logs (log)
) END;
CREATE INDEX sessionful_holds_holder ON sessionful_holds (holder, log);
CREATE TABLE sessionful_keys (
    log LOG NOT NULL, digest DIGEST NOT NULL, turn_id LONG NOT NULL, request_hash LONG, PRIMARY KEY (log, digest),
    FOREIGN KEY(log) REFERENCES sessionful_logs (log) ON DELETE CASCADE
) END;
CREATE TABLE sessionful_pieces (
    log LOG NOT NULL, turn BIGINT NOT NULL, step BIGINT NOT NULL, piece INTEGER NOT NULL, payload LONG NOT NULL,
    PRIMARY KEY (log, turn, step, piece), FOREIGN KEY(log) REFERENCES sessionful_logs (log) ON DELETE CASCADE
) END
"""
USAGE = {"input_tokens": 10, "output_tokens": 3, "cached_tokens": 2, "cache_write_tokens": 1}
NOON = 1_800_000_000_000
ENTRY = {
    "position": [1, 1],
    "turn_id": "turn_1_old",
    "attempt": 1,
    "agent": "guide",
    "at": NOON,
    "started_at": NOON,
    "given": [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}],
    "reply": {"role": "assistant", "parts": [{"type": "text", "text": "one"}]},
    "results": None,
    "torn": False,
    "stop_reason": "end_turn",
    "usage": USAGE,
    "ending": {"status": "completed", "ended_at": NOON, "steps": 1, "usage": USAGE, "error": None, "output": None},
    "idempotency_key": None,
    "message_count": 2,
    "usage_total": USAGE,
}
RUNNING = {
    "number": 2,
    "turn_id": "turn_2_nonce",
    "attempt": 1,
    "agent": "guide",
    "message": {"role": "user", "parts": [{"type": "text", "text": "and then"}]},
    "started_at": NOON,
    "lease_until": NOON + 60_000,
    "idempotency_key": "k",
    "request_hash": "h",
    "cancel_asked": False,
}
PROFILE = {
    "key": ["ada", "guide", "trip"],
    "log": "old",
    "created_at": NOON,
    "updated_at": NOON,
    "title": "Old",
    "system": None,
    "work_dir": None,
    "metadata": {},
    "state": {"mood": "fine"},
    "sharing": False,
    "timeout": None,
    "max_duration": None,
    "ended_at": None,
    "parent": None,
    "past": [],
    "own_after": 0,
}


def lay_out_version_1(engine: Engine) -> None:
    """The session of `samples.KEY`, after one turn and within its second one."""
    with engine.begin() as connection:
        types = TYPES[connection.dialect.name]
        statements = re.sub(r"\b(DIGEST|LOG|LONG|END)\b", lambda found: types[found.group()], TABLES)
        for statement in statements.split(";"):
            connection.execute(text(statement))
        _put(connection, "logs", log="old")
        _put(connection, "holds", log="old", holder="old")
        entry = json.dumps(ENTRY)
        _put(connection, "entries", log="old", turn=1, step=1, size=len(entry), pieces=0, payload=entry)
        _put(connection, "heads", **_head())
        _put(connection, "keys", log="old", digest=KEY_OF_K, turn_id="turn_2_nonce", request_hash="h")
        _put(connection, "schema", part="sessions", version=1)


def _head() -> dict[str, Any]:
    return {
        "session": SESSION,
        "shelf": SHELF,
        "owner": "ada",
        "agent": "guide",
        "id": "trip",
        "log": "old",
        "version": 4,
        "epoch": 2,
        "turns": 2,
        "last_turn": 1,
        "last_step": 1,
        "message_count": 2,
        "token_usage": json.dumps(USAGE),
        "updated_at": NOON,
        "expires_at": None,
        "running_turn": 2,
        "attempt": 1,
        "lease_until": NOON + 60_000,
        "cancel_asked": False,
        "running_pieces": 0,
        "running": json.dumps(RUNNING),
        "profile": json.dumps(PROFILE),
    }


def _put(connection: Connection, table: str, **row: Any) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO sessionful_{table} ({names}) VALUES ({values})"), row)
