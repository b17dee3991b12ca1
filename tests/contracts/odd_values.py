"""Values that a careless store would lose or change, and a check that a test forgets no field."""

from typing import Any

from pydantic_core import PydanticUndefined

from sessionful.domain.message import Value
from sessionful.domain.session import Checkpoint, Position, Segment
from tests.contracts.clock import NOON

ODD_IDS = [
    "a b",
    " ",
    "trailing ",
    "UPPER",
    "upper",
    "sess_01",
    "🦊🌙",
    "日本語",
    "é",
    "e\u0301",
    "#",
    "a#b|c:d%2F?x=1&y",
    "'; DROP TABLE sessions; --",
    '"quoted"',
    "\\backslash\\",
    "*",
    "%",
    "_",
    ".",
    "..",
    "0",
    "null",
    "x" * 256,
    "🦊" * 256,
]
ODD_TEXTS = [
    "\u0000",
    "nul in \u0000 between",
    "\u0001\u001f\u007f\u0085",
    "🦊",
    "👩‍👩‍👧‍👦 family",
    "\ufeff bom, \u202e right to left, \ufffe no character, \uffff",
    "line\nbreak\r\nand\ttab \u2028 \u2029",
    "\\u0000 is not a nul, nor is \\x00",
    "\"quotes\" 'both' `kinds` \\ %s {x} $1 :name",
    "e\u0301 é ß ﬁ İ",
    "",
    " ",
]
DEEP: dict[str, Any] = {
    "text": "\u0000🦊",
    "": "empty key",
    "nul \u0000 key": None,
    "numbers": [0, -1, 1.5, 1e-7, 1e300, 2**53, -(2**63), 0.1],
    "flags": [True, False, None],
    "nested": {"list": [[], {}, [{"deep": {"er": []}}]]},
    "S": {"N": "1"},
}


def untouched(value: Value) -> set[str]:
    """The fields that still have their default, so that a test of all fields cannot forget a new one."""
    fields = type(value).model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True, validated_data={}) for name, field in fields}
    return {name for name, default in defaults.items() if default is not PydanticUndefined} & {
        name for name, default in defaults.items() if getattr(value, name) == default
    }


def a_checkpoint(name: str) -> Checkpoint:
    past = (Segment(log="older", after_turn=1, upto=Position(2, 3)), Segment(log="own", upto=Position(4, 2)))
    return Checkpoint(
        name=name, made_at=NOON - 2, at=Position(4, 2), past=past, message_count=9, state=DEEP, made_with="digest"
    )
