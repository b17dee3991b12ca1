"""The version of a scope: one item that every write to the scope replaces, on the condition that it is what the writer
saw before it read the rest. So writers of one scope come one after another, whatever they read and write; and a reader
that kept a scan asks one item whether it still holds.

Each version has a name of its own, never used again: a scope that was erased and begun anew is no old one. It tells
what the last writes touched, as far as it takes no second write unit, so that a reader a few versions behind reads
those memories and not the scope. No version: the scope is empty.
"""

import json
from collections.abc import Sequence

from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.actions import ABSENT, Action, Item, delete, key, number, put, string
from sessionful.stores.dynamodb.bank import places
from sessionful.stores.dynamodb.entries import write_json
from sessionful.stores.dynamodb.table import EXPIRY, PARTITION

_TOLD_BYTES = 860
_UNCHANGED = "#v = :v"


def name_of(version: Item) -> str | None:
    return version["v"]["S"] if version else None


def next_version(partition: str, version: Item, touched: Sequence[str], more: int, until: int | None) -> Item:
    """After a write that touched these memories, by their sort keys, made them so many more, and needs the version
    until then (ms since 1970; None: for ever). A version lives as long as what was written under it. `{}`: the scope
    has no memories any more."""
    count = more + (count_of(version) if version else 0)
    if count <= 0:
        return {}
    name = keys.nonce()
    told = _fitting([*_told(version), [name, *(sort.removeprefix(places.MEMORY) for sort in touched)]])
    item = {**key(partition, places.VERSION), "v": string(name), "c": string(write_json(told)), "n": number(count)}
    former = int(version[EXPIRY]["N"]) if EXPIRY in version else None
    if until is None or (version and former is None):
        return item
    return item | {EXPIRY: number(max(-(-until // 1000), former or 0))}


def everything_changed(version: Item) -> Item:
    """After a write that touched more than it tells."""
    name = keys.nonce()
    return {**version, "v": string(name), "c": string(write_json([[name]]))}


def replace(version: Item, by: Item) -> Action:
    """`version` is what was seen; `{}` is none, of either."""
    if not version:
        return put(by, ABSENT)
    seen = {"v": version["v"]}
    return put(by, _UNCHANGED, seen) if by else delete(key(version[PARTITION]["S"], places.VERSION), _UNCHANGED, seen)


def is_done(there: Item, after: Item) -> bool:
    """Whether the version `after` was written, by a writer that was never told so and now finds this one there."""
    return bool(there and after) and touched_since(there, after["v"]["S"]) is not None


def touched_since(version: Item, name: str) -> list[str] | None:
    """The sort keys of the memories that were written after the version of that name; None when it does not say."""
    told = _told(version)
    names = [one[0] for one in told]
    if name not in names:
        return None
    return _memories(told[names.index(name) + 1 :])


def touched(version: Item) -> list[str]:
    """The sort keys of the memories that were written last, as many as it tells."""
    return _memories(_told(version))


def count_of(version: Item) -> int:
    """How many memories the scope has, and perhaps some that have expired."""
    return int(version["n"]["N"])


def _memories(told: Sequence[Sequence[str]]) -> list[str]:
    return [f"{places.MEMORY}{memory}" for memory in dict.fromkeys(memory for _, *some in told for memory in some)]


def _told(version: Item) -> list[list[str]]:
    told: list[list[str]] = json.loads(version["c"]["S"]) if version else []
    return told


def _fitting(told: list[list[str]]) -> list[list[str]]:
    """The last ones that fit; of the first of them at least the name, for who has that one needs what came after."""
    while len(write_json(told)) > _TOLD_BYTES and told != [told[-1][:1]]:
        told = [told[0][:1], *told[1:]] if len(told[0]) > 1 else told[1:]
    return told
