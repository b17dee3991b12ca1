"""What a turn was asked with, as attributes: of the head while it runs, of an item of its own while it waits.

    rt  number           rn  nonce             rg  agent            rm  message
    rk  idempotency_key  rh  request_hash      rc  cancel_asked

`rm` is JSON: the message, or an object of the message (`m`), the model's options (`o`) and the answer's schema (`s`).
"""

import json
from typing import Any

from sessionful.domain.identity import new_turn_id
from sessionful.domain.session import AdmittedTurn
from sessionful.domain.turn import NewTurn
from sessionful.stores.dynamodb.actions import Attribute, Item, number, string
from sessionful.stores.dynamodb.entries import read_message, write_json, write_message

ASKED = ("rt", "rn", "rg", "rm", "rk", "rh", "rc")

NO_MESSAGE = '["user"]'
YES: Attribute = {"BOOL": True}


def write_asked_text(turn: NewTurn) -> str:
    """The text of `rm`."""
    message = write_message(turn.message)
    fields: dict[str, Any] = {}
    if turn.options:
        fields["o"] = turn.options
    if turn.answer_schema is not None:
        fields["s"] = turn.answer_schema
    return write_json({"m": message, **fields} if fields else message)


def write_asked(turn: AdmittedTurn, message: Attribute | None) -> dict[str, Attribute | None]:
    return {
        "rt": number(turn.number),
        "rn": string(turn.turn_id.removeprefix(new_turn_id(turn.number, ""))),
        "rg": string(turn.agent),
        "rm": message,
        "rk": None if turn.idempotency_key is None else string(turn.idempotency_key),
        "rh": None if turn.request_hash is None else string(turn.request_hash),
        "rc": YES if turn.cancel_asked else None,
    }


def read_asked(item: Item, text: str) -> dict[str, Any]:
    """The fields of the turn; `text` is that of `rm`."""
    said = json.loads(text)
    if isinstance(said, list):
        said = {"m": said}
    turn = int(item["rt"]["N"])
    return {
        "number": turn,
        "turn_id": new_turn_id(turn, item["rn"]["S"]),
        "agent": item["rg"]["S"],
        "message": read_message(said["m"]),
        "idempotency_key": item["rk"]["S"] if "rk" in item else None,
        "request_hash": item["rh"]["S"] if "rh" in item else None,
        "options": said.get("o", {}),
        "answer_schema": said.get("s"),
        "cancel_asked": "rc" in item,
    }
