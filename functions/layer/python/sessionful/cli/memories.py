"""`sessionful memories`: what is remembered, wherever it is kept."""

import json
from collections.abc import Sequence

from sessionful.cli.console import out, say
from sessionful.cli.conversations import Conversations, MemoryInfo


async def list_memories(conversations: Conversations, session_id: str, limit: int, ended: bool, as_json: bool) -> None:
    """A line each, or JSON when asked."""
    found = [memory async for memory in conversations.memories(session_id, limit, ended)]
    if as_json:
        told = [memory.model_dump(mode="json") for memory in found]
        out(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for memory in found:
            out(_line(memory))
    if len(found) == limit:
        say(f"these are the newest {limit}; --limit shows more")


async def add(conversations: Conversations, session_id: str, text: str) -> None:
    out((await conversations.add_memory(session_id, text)).id)


async def correct(conversations: Conversations, session_id: str, memory_id: str, text: str) -> None:
    out((await conversations.correct_memory(session_id, memory_id, text)).id)


async def delete(conversations: Conversations, session_id: str, memory_ids: Sequence[str]) -> None:
    for memory_id in memory_ids:
        await conversations.delete_memory(session_id, memory_id)
        say(f"deleted {memory_id}")


def _line(memory: MemoryInfo) -> str:
    """The id, the text on one line and, where it holds no longer, what took its place."""
    instead = "" if memory.ended_at is None else f"\t(no longer: see {memory.superseded_by})"
    return f"{memory.id}\t{' '.join(memory.text.split())}{instead}"
