"""What requests cost, by the rules that AWS publishes and from the sizes of the items alone.

Sources, all in the Amazon DynamoDB Developer Guide: "DynamoDB item sizes and formats" (sizes), "DynamoDB read and write
operations" (units: 1 KB a write, 4 KB a strongly consistent read, half of that an eventually consistent one; an update
is billed by the larger of the item before and after; a refused conditional write by the item that is there), "Using
Global Secondary Indexes in DynamoDB" (a changed index key is a deletion and an insertion; an unchanged one is nothing),
and "Amazon DynamoDB Transactions: How it works" (two writes for every item: one to prepare, one to commit. An index
follows its table afterwards, by itself, so its writes are not doubled).
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Attribute = Mapping[str, Any]
Item = Mapping[str, Attribute]

WRITE_UNIT = 1024
READ_UNIT = 4096


def item_size(item: Item) -> int:
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Attribute) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(content if isinstance(content, bytes) else base64.b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(element) for name, element in content.items())
        case "SS" | "NS" | "BS":
            return sum(value_size({kind[0]: element}) for element in content)
    raise AssertionError(f"no attribute of kind {kind}")


def write_units(before: Item | None, after: Item | None, transactional: bool = False) -> int:
    """`before` alone: a deletion or a refusal; `after` alone: a new item."""
    size = max(item_size(item) if item else 0 for item in (before, after))
    return max(1, math.ceil(size / WRITE_UNIT)) * (2 if transactional else 1)


def index_units(before: Item | None, after: Item | None, index_keys: Sequence[str], keys: Sequence[str]) -> int:
    """Of an index that projects keys only."""
    old, new = (_projected(item, index_keys, keys) for item in (before, after))
    if old == new:
        return 0
    return sum(write_units(None, entry) for entry in (old, new) if entry is not None)


def read_units(sizes: Iterable[int], consistent: bool, together: bool) -> float:
    """`together`: as a Query reads, which rounds up once; else item by item, as GetItem and BatchGetItem do."""
    sizes = list(sizes)
    if together:
        blocks = math.ceil(sum(sizes) / READ_UNIT)
    else:
        blocks = sum(max(1, math.ceil(size / READ_UNIT)) for size in sizes)
    return max(1, blocks) * (1.0 if consistent else 0.5)


def _projected(item: Item | None, index_keys: Sequence[str], keys: Sequence[str]) -> Item | None:
    if item is None or not all(name in item for name in index_keys):
        return None
    return {name: item[name] for name in (*index_keys, *keys)}


def _number_size(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + (1 if text.startswith("-") else 0)
