"""Idempotency keys: each names the turn it was used for, for as long as its session lives."""

from sessionful.domain.session import AdmittedTurn, Session
from sessionful.domain.turn import Attached, NewTurn
from sessionful.stores import heads
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.actions import ABSENT, Action, Item, key, put, string
from sessionful.stores.dynamodb.codec import Head
from sessionful.stores.dynamodb.marks import marked


def use_key(head: Head, turn: AdmittedTurn) -> tuple[Head, list[Action]]:
    """The write that goes along with the turn's admission, where it has a key; and the head after it."""
    if turn.idempotency_key is None:
        return head, []
    head, mark = marked(head, head.session)
    item = {
        **key(head.partition, keys.idempotency(turn.idempotency_key)),
        **mark,
        "g": string(head.session.log),
        "n": string(turn.turn_id),
    }
    if turn.request_hash is not None:
        item["h"] = string(turn.request_hash)
    # A session that was deleted may have left the same key for a moment.
    return head, [put(item, f"{ABSENT} OR #g <> :log", {"log": item["g"]})]


def attached(session: Session, used: Item, turn: NewTurn) -> Attached:
    """The turn that the key was `used` for before. Raises IdempotencyConflict."""
    if used.get("h", {}).get("S") != turn.request_hash:
        raise heads.key_conflict(str(turn.idempotency_key))
    return Attached(session, used["n"]["S"])
