"""A memory as an item: what it says as JSON text, as short as it goes, and its vector beside it.

What follows from another field is left out, and so is what has its default: a memory of a sentence with a vector of 256
numbers takes some 600 bytes, one write unit.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sessionful.domain.error import InvalidRequest
from sessionful.domain.memory import Memory, Scope, Source, digest_of
from sessionful.domain.session import Position
from sessionful.stores.dynamodb.actions import Item, key, number, string
from sessionful.stores.dynamodb.bank import places, vectors
from sessionful.stores.dynamodb.entries import write_json
from sessionful.stores.dynamodb.packing import Packed, pack, unpack
from sessionful.stores.dynamodb.table import EXPIRY, SORT

ITEM_BYTES = 64 * 1024
"""What a memory says with its sources takes this at most, compressed: one that more than a thousand sessions have said
lets the oldest go. So the memories of one write fit into a transaction."""

Record = Mapping[str, Any]


class Kept(NamedTuple):
    """A memory as it lies in the table. `by_hand`: somebody put it in without a source, so it does not go with its
    sources."""

    memory: Memory
    by_hand: bool


def write_memory(partition: str, kept: Kept) -> Item:
    memory = kept.memory
    item = {**key(partition, places.memory(memory.id)), "d": _said(kept).attribute}
    if memory.model is not None:
        item["m"] = string(memory.model)
    if memory.vector:
        item["x"] = {"B": vectors.pack(memory.vector)}
    return item | expiry(memory)


def check(memory: Memory) -> None:
    """Raises InvalidRequest for what cannot be written."""
    try:
        _said(Kept(memory, by_hand=False))
        vectors.pack(memory.vector)
        (memory.model or "").encode()
    except UnicodeEncodeError:
        raise half_a_character() from None


def half_a_character() -> InvalidRequest:
    return InvalidRequest("half of a surrogate pair is no text")


def write_saying(partition: str, memory: Memory) -> Item:
    """What makes the memory the only live one that says this."""
    return {
        **key(partition, places.saying(memory.digest)),
        "i": string(places.memory(memory.id)),
        **expiry(memory),
    }


def expiry(memory: Memory) -> Item:
    """The table's own expiry, in seconds, rounded up: what it may erase has expired."""
    return {} if memory.expires_at is None else {EXPIRY: number(-(-memory.expires_at // 1000))}


def read_record(item: Item) -> Record:
    text = unpack(item["d"])
    assert isinstance(text, str)
    record: Record = json.loads(text)
    return record


def read_id(item: Item, record: Record) -> str:
    memory_id: str = record.get("i") or item[SORT]["S"].removeprefix(places.MEMORY)
    return memory_id


def read_memory(scope: Scope, item: Item) -> Kept:
    record = read_record(item)
    text = record["t"]
    memory = Memory(
        id=read_id(item, record),
        scope=scope,
        kind=record.get("k", "fact"),
        text=text,
        digest=record.get("g") or digest_of(text),
        created_at=record["c"],
        sources=_read_sources(scope, record.get("s", [])),
        ended_at=record.get("e"),
        superseded_by=record.get("b"),
        supersedes=record.get("p", ()),
        expires_at=record.get("x"),
        model=item["m"]["S"] if "m" in item else None,
        vector=vectors.unpack(item["x"]["B"]) if "x" in item else (),
    )
    return Kept(memory, record.get("h", False))


def _said(kept: Kept) -> Packed:
    sources = kept.memory.sources
    while True:
        packed = pack(write_json(_record(kept, sources)), ITEM_BYTES, "", "", "")
        if not packed.pieces:
            return packed
        sources = sources[max(1, len(sources) // 4) :]


def _record(kept: Kept, sources: Sequence[Source]) -> Record:
    memory = kept.memory
    fields: dict[str, Any] = {
        "t": memory.text,
        "c": memory.created_at,
        "i": memory.id if places.memory(memory.id) != places.MEMORY + memory.id else None,
        "g": memory.digest if memory.digest != digest_of(memory.text) else None,
        "k": memory.kind if memory.kind != "fact" else None,
        "s": _write_sources(memory.scope, sources) or None,
        "h": kept.by_hand or None,
        "e": memory.ended_at,
        "b": memory.superseded_by,
        "p": list(memory.supersedes) or None,
        "x": memory.expires_at,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _write_sources(scope: Scope, sources: Sequence[Source]) -> list[list[Any]]:
    """Those of one log that follow one another together; owner and session are null where they are the scope's."""
    written: list[list[Any]] = []
    for (owner, session_id, log), group in groupby(
        sources, lambda source: (source.owner, source.session_id, source.log)
    ):
        named = [
            None if owner == scope.owner else owner,
            None if session_id == scope.session_id else session_id,
            log,
        ]
        written.append([*named, *(number for source in group for number in source.at)])
    return written


def _read_sources(scope: Scope, written: Sequence[Sequence[Any]]) -> tuple[Source, ...]:
    return tuple(
        Source(
            owner=scope.owner if owner is None else owner,
            session_id=scope.session_id if session_id is None else session_id,
            log=log,
            at=Position(turn, step),
        )
        for owner, session_id, log, *numbers in written
        for turn, step in zip(numbers[::2], numbers[1::2], strict=True)
    )
