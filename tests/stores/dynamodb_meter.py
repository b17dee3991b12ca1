"""Counts what passes a relay: requests, and their units from the items as they were before and after."""

import threading
from dataclasses import dataclass, field
from typing import Any

from sessionful.stores.dynamodb.table import INDEX_PARTITION, INDEX_SORT, PARTITION, SORT
from tests.stores.dynamodb_relay import Answer, Forward, Json
from tests.stores.dynamodb_units import Item, index_units, item_size, read_units, write_units

KEYS = (PARTITION, SORT)
INDEX_KEYS = (INDEX_PARTITION, INDEX_SORT)
_WRITES = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}


@dataclass
class Meter:
    """Looks items up with a client of its own, beside the relay, before and after each write."""

    client: Any
    table: str
    requests: list[str] = field(default_factory=list)
    writes: int = 0
    reads: float = 0
    entries_read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        self.requests, self.writes, self.reads, self.entries_read = [], 0, 0, 0

    def watch(self, operation: str, request: Json, forward: Forward) -> Answer:
        writes = _written(operation, request)
        before = [self._look(key) for key in writes]
        answer = forward()
        after = [self._look(key) for key in writes]
        with self._lock:
            self.requests.append(operation)
            transactional = operation == "TransactWriteItems"
            for old, new in zip(before, after, strict=True):
                self.writes += write_units(old, new, transactional) + index_units(old, new, INDEX_KEYS, KEYS)
            self._add_reads(operation, request, answer)
        return answer

    def _add_reads(self, operation: str, request: Json, answer: Answer) -> None:
        if operation == "Query":
            items = answer.json["Items"]
            self.reads += read_units(map(item_size, items), request.get("ConsistentRead", False), together=True)
            self.entries_read += sum(item[SORT]["S"].startswith("L#") and "IndexName" not in request for item in items)
        elif operation == "GetItem":
            sizes = [item_size(answer.json.get("Item", {}))]
            self.reads += read_units(sizes, request.get("ConsistentRead", False), together=False)
        elif operation == "BatchGetItem":
            asked = request["RequestItems"][self.table]
            found = answer.json["Responses"][self.table]
            sizes = [*map(item_size, found), *[0] * (len(asked["Keys"]) - len(found))]
            self.reads += read_units(sizes, asked.get("ConsistentRead", False), together=False)
            self.entries_read += sum(item[SORT]["S"].startswith("L#") for item in found)

    def _look(self, key: Item) -> Item | None:
        found: Item | None = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return found


def _written(operation: str, request: Json) -> list[Item]:
    """The keys of the items a request may write."""
    if operation in _WRITES:
        return [_key(_WRITES[operation], request)]
    if operation == "TransactWriteItems":
        return [_key(kind, action) for one in request["TransactItems"] for kind, action in one.items()]
    if operation == "BatchWriteItem":
        keys = []
        for one in (one for batch in request["RequestItems"].values() for one in batch):
            keys.append(_key("Put", one["PutRequest"]) if "PutRequest" in one else one["DeleteRequest"]["Key"])
        return keys
    return []


def _key(kind: str, action: Json) -> Item:
    found: Item = {name: action["Item"][name] for name in KEYS} if kind == "Put" else action["Key"]
    return found
