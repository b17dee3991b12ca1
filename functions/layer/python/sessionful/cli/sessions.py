"""`sessionful sessions`: what is kept, wherever it is kept."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sessionful.cli.console import out, say
from sessionful.cli.conversations import Conversations, Said, SessionInfo
from sessionful.cli.failure import WRONG_USAGE, CommandFailed
from sessionful.cli.transcript import print_history


async def list_sessions(conversations: Conversations, limit: int, as_json: bool) -> None:
    """A table on a terminal, ids alone in a pipe, JSON when asked."""
    found = [session async for session in conversations.sessions(limit)]
    if as_json:
        _print_json([session.model_dump(mode="json") for session in found])
    elif sys.stdout.isatty():
        _print_table(found)
    else:
        for session in found:
            out(session.id)
    if len(found) == limit:
        say(f"these are the newest {limit}; --limit shows more")


async def show(conversations: Conversations, session_id: str, as_json: bool) -> None:
    session = await conversations.get(session_id)
    facts = session.model_dump(mode="json")
    if as_json:
        history: list[Said] = [said async for said in conversations.history(session_id)]
        _print_json({**facts, "messages": [said.model_dump(mode="json") for said in history]})
        return
    for name, value in facts.items():
        if value not in (None, {}):
            out(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    out("")
    await print_history(conversations, session_id)


async def delete(conversations: Conversations, session_ids: Sequence[str]) -> None:
    for session_id in session_ids:
        await conversations.delete(session_id)
        say(f"deleted {session_id}")


async def fork(conversations: Conversations, session_id: str, new_id: str | None, at: str | None) -> None:
    out((await conversations.fork(session_id, new_id, at)).id)


async def checkpoint(conversations: Conversations, session_id: str, name: str | None) -> None:
    out(await conversations.checkpoint(session_id, name))


async def rewind(conversations: Conversations, session_id: str, to: str) -> None:
    session = await conversations.rewind(session_id, to)
    say(f"{session_id} is back at {to}: {session.message_count} messages")


def write_document(document: dict[str, Any], target: Path | None) -> None:
    """To a file, or to standard output."""
    if target is None:
        _print_json(document)
        return
    try:
        target.write_text(_json(document) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}", "invalid_request", WRONG_USAGE) from None


async def import_session(conversations: Conversations, document: dict[str, Any], new_id: str | None) -> None:
    out((await conversations.import_document(document, new_id)).id)


def read_document(source: Path) -> dict[str, Any]:
    """From a file, or from standard input for `-`."""
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
        text.encode()  # what is no UTF-8 was read as half surrogate pairs
        document = json.loads(text)
    except OSError as error:
        raise CommandFailed(f"{source} cannot be read: {error.strerror}", "invalid_request", WRONG_USAGE) from None
    except ValueError as error:
        raise CommandFailed(f"{source} is no JSON document: {error}", "invalid_request", WRONG_USAGE) from None
    if not isinstance(document, dict):
        raise CommandFailed(f"{source} is no exported session", "invalid_request", WRONG_USAGE)
    return document


def _print_table(sessions: Sequence[SessionInfo]) -> None:
    """As wide as it needs to be: an id that was cut is none."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("session", "agent", "status", "messages", "last activity", "title"):
        table.add_column(name, no_wrap=True, justify="right" if name == "messages" else "left")
    for session in sessions:
        facts = (session.agent_id or "", session.status, str(session.message_count), _when(session.updated_at))
        table.add_row(*map(Text, (session.id, *facts, (session.title or "")[:60])))
    console = Console(highlight=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=1000)).maximum)
    console.print(table, crop=False)


def _when(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")


def _print_json(value: Any) -> None:
    out(_json(value))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
