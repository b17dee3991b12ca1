"""Groups: what a turn told between two flushes, as one line of text, and read back.

A group belongs to one step of one attempt and says where on the tape it starts, so that whoever reads it later, twice
or too late can tell what of it is news. Once a step's reply is whole and has tool calls, a group carries the reply
itself: together with the results told after it that is the ledger a new holder goes by.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sessionful.core.feed import Tape
from sessionful.domain.event import EVENT, AnyEvent, TextDelta, ThinkingDelta, Told
from sessionful.domain.message import Message, Value
from sessionful.domain.usage import Usage

_DELTAS: dict[str, type[TextDelta | ThinkingDelta]] = {"t": TextDelta, "k": ThinkingDelta}
_LETTERS = {kind: letter for letter, kind in _DELTAS.items()}


class Said(Value):
    """A model's reply once it is whole."""

    message: Message
    stop_reason: str
    usage: Usage = Usage()


class Heard(NamedTuple):
    """A group that was read back; `said` is the step's reply where the group carries it."""

    step: int
    attempt: int
    told: list[Told]
    said: Said | None


def write_group(step: int, told: Sequence[Told], said: Said | None = None) -> str:
    """One line. Needs an event, or a reply."""
    fields: dict[str, Any] = {"s": step}
    if told:
        cursor, event = told[0]
        fields |= {"a": cursor.attempt, "p": cursor.position - event.length, "e": _written(told)}
    if said is not None:
        fields["r"] = said.model_dump(mode="json")
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def read_group(text: str, turn: int) -> Heard:
    fields = json.loads(text)
    tape = Tape(turn, fields.get("a", 0), fields.get("p", 0))
    told = [tape.place(_event(written)) for written in fields.get("e", ())]
    said = Said.model_validate(fields["r"]) if "r" in fields else None
    return Heard(fields["s"], tape.attempt, told, said)


def _written(told: Sequence[Told]) -> list[Any]:
    """Deltas of one block become one: the tape counts characters, so it does not matter how they were cut."""
    written: list[Any] = []
    for _, event in told:
        if not isinstance(event, TextDelta | ThinkingDelta):
            written.append(event.model_dump(mode="json"))
            continue
        head = [_LETTERS[type(event)], event.index]
        if written and isinstance(written[-1], list) and written[-1][:2] == head:
            written[-1][2] += event.text
        else:
            written.append([*head, event.text])
    return written


def _event(written: Any) -> AnyEvent:
    if isinstance(written, list):
        letter, index, text = written
        return _DELTAS[letter](text=text, index=index)
    return EVENT.validate_python(written)
