"""A turn's record, from its stored entries and, while it runs, from the session's head."""

from collections.abc import Sequence

from sessionful.domain.message import ToolCall, ToolResult
from sessionful.domain.session import QueuedTurn, RunningTurn
from sessionful.domain.turn import Entry, TurnRecord
from sessionful.domain.usage import Usage


def record_of(session_id: str, entries: Sequence[Entry], running: RunningTurn | None = None) -> TurnRecord:
    """Needs at least one of the two. Entries are one turn's, oldest first; `response` is the last reply's text. A turn
    that neither runs nor ended was cut: the session was forked or rewound in the middle of it."""
    first = entries[0] if entries else None
    ending = entries[-1].ending if entries else None
    calls = [call for entry in entries if entry.reply for call in entry.reply.tool_calls]
    results = [result for entry in entries if entry.results for result in entry.results.tool_results]
    if first is None:
        assert running is not None
        source_id, agent, message, started = running.turn_id, running.agent, running.message, running.started_at
        key = running.idempotency_key
    else:
        source_id, agent, message, started = first.turn_id, first.agent, first.given[0], first.started_at
        key = first.idempotency_key
    return TurnRecord(
        session_id=session_id,
        turn_id=source_id,
        agent=agent,
        status=ending.status if ending else "running" if running is not None else "cancelled",
        message=message,
        response=_response(entries) if ending or running is None else "",
        tool_calls=tuple[ToolCall, ...](calls),
        tool_results=tuple[ToolResult, ...](results),
        usage=ending.usage if ending else sum((e.usage for e in entries), Usage()),
        steps=ending.steps if ending else len(entries),
        error=ending.error if ending else None,
        output=ending.output if ending else None,
        started_at=started,
        ended_at=ending.ended_at if ending else None,
        idempotency_key=key,
    )


def waiting_record(session_id: str, waiting: QueuedTurn) -> TurnRecord:
    return TurnRecord(
        session_id=session_id,
        turn_id=waiting.turn_id,
        agent=waiting.agent,
        status="queued",
        message=waiting.message,
        started_at=waiting.queued_at,
        idempotency_key=waiting.idempotency_key,
    )


def _response(entries: Sequence[Entry]) -> str:
    replies = [entry.reply.text for entry in entries if entry.reply is not None]
    return replies[-1] if replies else ""
