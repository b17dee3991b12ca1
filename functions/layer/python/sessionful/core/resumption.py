"""What a new holder finds of a turn whose former holder is gone: the stored steps, and the torn step."""

from collections.abc import Sequence
from typing import NamedTuple

from sessionful.core.groups import Said, read_group
from sessionful.core.replay import replay, started, text_length
from sessionful.domain.event import Told, ToolReturned
from sessionful.domain.message import ToolResult
from sessionful.domain.session import RunningTurn, Session
from sessionful.domain.turn import Entry


class Torn(NamedTuple):
    """The step that was open: its reply, where that was whole and called tools, and the results there were by then.
    Without a reply the step is simply tried again."""

    said: Said | None
    results: tuple[ToolResult, ...]


def torn_step(flushed: Sequence[str], turn: int, stored: int) -> Torn:
    """From the groups of the former holder; what belongs to a stored step is old."""
    groups = [group for group in (read_group(text, turn) for text in flushed) if group.step == stored + 1]
    said = next((group.said for group in reversed(groups) if group.said is not None), None)
    results = {
        event.call_id: ToolResult(
            call_id=event.call_id, name=event.name, content=event.content, is_error=event.is_error
        )
        for group in groups
        for _, event in group.told
        if isinstance(event, ToolReturned)
    }
    return Torn(said, tuple(results.values()) if said is not None else ())


def told_before(session: Session, running: RunningTurn, stored: Sequence[Entry]) -> list[Told]:
    """The tape up to the end of the stored steps: what of former attempts still holds."""
    told = replay(session.key.id, stored)
    return told or [started(session.key.id, running.number, running.turn_id, running.agent)]


def kept_text(stored: Sequence[Entry]) -> int:
    """Characters of the turn's text that still hold."""
    return sum(text_length(entry) for entry in stored)
