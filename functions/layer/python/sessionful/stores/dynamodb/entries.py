"""An entry as JSON text, as short as it goes: every turn pays for it once, and every later turn that reads it again.

What follows from the place or from another field is left out, and so is what has its default. A field that is not known
here would be lost, so a test goes through all of them.
"""

import json
from typing import Any

from sessionful.domain.message import Message, Part, Text
from sessionful.domain.session import Position
from sessionful.domain.turn import Ending, Entry
from sessionful.domain.usage import Usage

_MISSING = object()


def write_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_DEFAULTS: dict[str, Any] = {
    "s": 0,
    "n": 0,
    "g": [],
    "r": None,
    "c": None,
    "x": 0,
    "o": "end_turn",
    "u": [],
    "e": None,
    "k": None,
    "m": 0,
    "w": [],
    "v": None,
    "va": None,
}


def write_entry(entry: Entry) -> str:
    prefix = f"turn_{entry.position.turn}_"
    fields: dict[str, Any] = {
        "i" if entry.turn_id.startswith(prefix) else "id": entry.turn_id.removeprefix(prefix),
        "a": entry.agent,
        "t": entry.at,
        "s": entry.at - entry.started_at,
        "n": entry.attempt - 1,
        "g": [write_message(message) for message in entry.given],
        "r": None if entry.reply is None else write_message(entry.reply),
        "c": None if entry.results is None else write_message(entry.results),
        "x": int(entry.torn),
        "o": entry.stop_reason,
        "u": write_usage(entry.usage),
        "e": None if entry.ending is None else _write_ending(entry.ending, entry),
        "k": entry.idempotency_key,
        "m": entry.message_count,
        "w": write_usage(entry.usage_total),
        "v": entry.state,
        "va": None if entry.state_at is None else list(entry.state_at),
    }
    return write_json({name: value for name, value in fields.items() if value != _DEFAULTS.get(name, _MISSING)})


def read_entry(text: str, position: Position) -> Entry:
    fields: dict[str, Any] = {**_DEFAULTS, **json.loads(text)}
    usage, at = read_usage(fields["u"]), fields["t"]
    return Entry(
        position=position,
        turn_id=f"turn_{position.turn}_{fields['i']}" if "i" in fields else fields["id"],
        attempt=fields["n"] + 1,
        agent=fields["a"],
        at=at,
        started_at=at - fields["s"],
        given=tuple(read_message(message) for message in fields["g"]),
        reply=None if fields["r"] is None else read_message(fields["r"]),
        results=None if fields["c"] is None else read_message(fields["c"]),
        torn=bool(fields["x"]),
        stop_reason=fields["o"],
        usage=usage,
        ending=None if fields["e"] is None else _read_ending(fields["e"], position, at, usage),
        idempotency_key=fields["k"],
        message_count=fields["m"],
        usage_total=read_usage(fields["w"]),
        state=fields["v"],
        state_at=None if fields["va"] is None else Position(*fields["va"]),
    )


def write_message(message: Message) -> list[Any]:
    """The role, then the parts: a text as a string, any other part as an object."""
    return [message.role, *(_write_part(part) for part in message.parts)]


def read_message(fields: list[Any]) -> Message:
    role, *parts = fields
    return Message(
        role=role,
        parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts),
    )


def write_usage(usage: Usage) -> list[int]:
    counts = [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_write_tokens]
    while counts and not counts[-1]:
        counts.pop()
    return counts


def read_usage(counts: list[int]) -> Usage:
    names = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens")
    return Usage(**dict(zip(names, counts, strict=False)))


def _write_part(part: Part) -> Any:
    if isinstance(part, Text):
        return part.text
    return {"type": part.type, **part.model_dump(exclude_defaults=True)}


def _write_ending(ending: Ending, entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if ending.status != "completed":
        fields["s"] = ending.status
    if ending.ended_at != entry.at:
        fields["t"] = ending.ended_at
    if ending.steps != entry.position.step:
        fields["n"] = ending.steps
    if ending.usage != entry.usage:
        fields["u"] = write_usage(ending.usage)
    if ending.error is not None:
        fields["e"] = ending.error
    if ending.output is not None:
        fields["o"] = ending.output
    return fields


def _read_ending(fields: dict[str, Any], position: Position, at: int, usage: Usage) -> Ending:
    return Ending(
        status=fields.get("s", "completed"),
        ended_at=fields.get("t", at),
        steps=fields.get("n", position.step),
        usage=read_usage(fields["u"]) if "u" in fields else usage,
        error=fields.get("e"),
        output=fields.get("o"),
    )
