"""What a head says of the groups that were flushed of its open step.

    fe  epoch of the lease that flushed        fn  number of its newest group
    ft  the newest groups, joined by line ends, plain or compressed, whichever is smaller
    fc  `first.last`: between which groups the chunks lie that hold the older ones (see groups.py)

A stored step takes `ft` and `fc` away. `fe` and `fn` stay until the turn ends: by them a group that comes again is
known.
"""

import zlib
from typing import NamedTuple

from sessionful.stores.dynamodb.actions import Attribute, Item, number, string
from sessionful.stores.dynamodb.packing import unpack

FLUSHED = ("fe", "fn", "ft", "fc")
OF_THE_STEP = ("ft", "fc")

_NEVER_SMALL = 16_000


class Flushed(NamedTuple):
    """`chunks` are the last groups of the step's first and last chunk; `tail` the groups after those."""

    epoch: int = 0
    number: int = 0
    chunks: tuple[int, int] | None = None
    tail: tuple[str, ...] = ()


NOTHING = Flushed()


def read_flushed(item: Item) -> Flushed:
    if "fe" not in item:
        return NOTHING
    first, _, last = item["fc"]["S"].partition(".") if "fc" in item else ("", "", "")
    return Flushed(
        int(item["fe"]["N"]),
        int(item["fn"]["N"]),
        (int(first), int(last)) if last else None,
        tuple(str(unpack(item["ft"])).split("\n")) if "ft" in item else (),
    )


def write_flushed(flushed: Flushed) -> Item:
    """The attributes to set; what else is in FLUSHED is to be removed."""
    item = {"fe": number(flushed.epoch), "fn": number(flushed.number)}
    if flushed.tail and (tail := write_tail(flushed.tail)):
        item["ft"] = tail
    if flushed.chunks is not None:
        item["fc"] = string("{}.{}".format(*flushed.chunks))
    return item


def write_tail(groups: tuple[str, ...]) -> Attribute | None:
    """None for what is far too long for a tail."""
    if sum(map(len, groups)) > _NEVER_SMALL:
        return None
    text = "\n".join(groups)
    raw = text.encode()
    small = zlib.compress(raw, 9)
    return {"B": small} if len(small) < len(raw) else string(text)
