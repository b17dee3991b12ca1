"""JSON text as an attribute: plain while small, compressed when that saves, in pieces when it is too big to carry.

DynamoDB bills a write by the whole item, rounded up to 1 KB, and 1 KB written costs about as much as 20 ms of a
Lambda's processor, where zlib takes well under one: text above 1 KB is compressed whenever that makes it smaller.
Pieces are written by themselves, before the item that points at them, so nothing half-written is ever seen; and
outside of the transaction, so at half its price.
"""

import zlib
from typing import NamedTuple

from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.actions import Attribute, Item, key, number, string

ENTRY_BYTES = 64 * 1024
MESSAGE_BYTES = 8 * 1024
FLUSHED_MESSAGE_BYTES = 400
SETTINGS_BYTES = 1024
"""What an entry, a turn's message and a session's settings may take inside an item, compressed. The last two are part
of the head, which every turn writes three times over, so they leave it early. A turn that streams writes its head
dozens of times: with its first flush a message leaves that would take the room of what is flushed."""

_WORTH_COMPRESSING = 1024
_PIECE_BYTES = 300 * 1024
_THOROUGH_UPTO = 256 * 1024


class Pointer(NamedTuple):
    """Where a text lies that is in pieces, or, without any, in one object: `size` is its length in bytes, before
    compression."""

    nonce: str
    cuts: int
    size: int

    @property
    def attribute(self) -> Attribute:
        return {"L": [string(self.nonce), number(self.cuts), number(self.size)]}

    def sorts(self, kind: str, log: str) -> list[str]:
        return keys.pieces(kind, log, self.nonce, self.cuts)


class Packed(NamedTuple):
    """`pieces` are still to be written."""

    attribute: Attribute
    pieces: list[Item]

    @property
    def size(self) -> int:
        """The bytes of all pieces."""
        return sum(len(piece["d"]["B"]) for piece in self.pieces)

    def as_object(self) -> tuple[Pointer, bytes]:
        """The pieces as one object, and what points at it."""
        nonce, _, size = self.attribute["L"]
        return Pointer(nonce["S"], 0, int(size["N"])), b"".join(piece["d"]["B"] for piece in self.pieces)


def pack(text: str, inline: int, partition: str, kind: str, log: str) -> Packed:
    """`inline`: the bytes it may take inside an item; `kind`: which pieces it becomes otherwise."""
    raw = text.encode()
    if len(raw) <= min(inline, _WORTH_COMPRESSING):
        return Packed(string(text), [])
    small = zlib.compress(raw, 6 if len(raw) <= _THOROUGH_UPTO else 1)
    if len(small) <= inline and len(small) < len(raw):
        return Packed({"B": small}, [])
    if len(raw) <= inline:
        return Packed(string(text), [])
    cuts = [small[start : start + _PIECE_BYTES] for start in range(0, len(small), _PIECE_BYTES)]
    pointer = Pointer(keys.nonce(), len(cuts), len(raw))
    sorts = pointer.sorts(kind, log)
    items = [{**key(partition, sort), "d": {"B": cut}} for sort, cut in zip(sorts, cuts, strict=True)]
    return Packed(pointer.attribute, items)


def unpack(attribute: Attribute) -> str | Pointer:
    if "S" in attribute:
        text: str = attribute["S"]
        return text
    if "B" in attribute:
        return zlib.decompress(attribute["B"]).decode()
    nonce, cuts, size = attribute["L"]
    return Pointer(nonce["S"], int(cuts["N"]), int(size["N"]))


def join(pieces: list[bytes]) -> str:
    return zlib.decompress(b"".join(pieces)).decode()
