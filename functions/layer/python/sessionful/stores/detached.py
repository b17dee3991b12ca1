"""Copies that share nothing which can be changed: what goes into memory and what comes out must not be one object.

Values are frozen, the JSON objects inside them are not. Only what holds one is copied; the rest, text above all, is
shared, so that the cost does not grow with the size of a message.
"""

from typing import Any, TypeVar

from sessionful.domain.message import Message, ToolCall
from sessionful.domain.session import QueuedTurn, RunningTurn, Session
from sessionful.domain.turn import Ending, Entry, NewTurn


def detached_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: detached_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [detached_json(item) for item in value]
    return value


def detached_message(message: Message) -> Message:
    if not message.tool_calls:
        return message
    parts = tuple(
        part.model_copy(update={"arguments": detached_json(part.arguments)}) if isinstance(part, ToolCall) else part
        for part in message.parts
    )
    return message.model_copy(update={"parts": parts})


T = TypeVar("T", NewTurn, QueuedTurn, RunningTurn)


def detached_turn(turn: T) -> T:
    """What a turn was asked with."""
    fields: dict[str, Any] = {"message": detached_message(turn.message)} if turn.message.tool_calls else {}
    if turn.options:
        fields["options"] = detached_json(turn.options)
    if turn.answer_schema is not None:
        fields["answer_schema"] = detached_json(turn.answer_schema)
    return turn.model_copy(update=fields) if fields else turn


def detached_entry(entry: Entry) -> Entry:
    fields: dict[str, Any] = {}
    if any(message.tool_calls for message in entry.given):
        fields["given"] = tuple(detached_message(message) for message in entry.given)
    if entry.reply is not None and entry.reply.tool_calls:
        fields["reply"] = detached_message(entry.reply)
    if entry.state is not None:
        fields["state"] = detached_json(entry.state)
    if entry.ending is not None and (entry.ending.error is not None or entry.ending.output is not None):
        fields["ending"] = _detached_ending(entry.ending)
    return entry.model_copy(update=fields) if fields else entry


def _detached_ending(ending: Ending) -> Ending:
    return ending.model_copy(update={"error": detached_json(ending.error), "output": detached_json(ending.output)})


def detached_session(session: Session) -> Session:
    fields: dict[str, Any] = {
        "metadata": detached_json(session.metadata),
        "state": detached_json(session.state),
    }
    if session.running is not None:
        fields["running"] = detached_turn(session.running)
    if session.checkpoints:
        fields["checkpoints"] = tuple(
            point.model_copy(update={"state": detached_json(point.state)}) for point in session.checkpoints
        )
    return session.model_copy(update=fields)
