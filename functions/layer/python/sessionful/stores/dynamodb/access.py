"""The table as the rest of the store uses it: items, pages and conditional writes."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, NamedTuple

from sessionful.domain.error import RateLimited
from sessionful.stores.dynamodb.actions import Action, Attribute, Item, key, names, string
from sessionful.stores.dynamodb.calls import TRIES, Calls, Refused, pause
from sessionful.stores.dynamodb.table import PARTITION, SORT

_GET_AT_ONCE = 100
_PUT_AT_ONCE = 25
_PUT_BYTES = 3_000_000
_BATCHES_AT_ONCE = 4


class Page(NamedTuple):
    """`last` is the key to go on after, or None when nothing is left."""

    items: list[Item]
    last: Item | None


class Updated(NamedTuple):
    """`item` is the new one when `done`, else what was there instead (`{}`: nothing)."""

    done: bool
    item: Item


class Table:
    """Every method raises RateLimited and StoreUnavailable."""

    def __init__(self, calls: Calls, name: str) -> None:
        self.calls = calls
        self._name = name

    async def get(self, partition: str, sort: str) -> Item | None:
        answer = await self.calls.call("get_item", TableName=self._name, Key=key(partition, sort), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    async def glance(self, partition: str, sort: str, *attributes: str) -> Item | None:
        """These attributes of the item as it was a moment ago, at half the price of `get`."""
        projection = ", ".join(f"#{name}" for name in attributes)
        answer = await self.calls.call(
            "get_item",
            TableName=self._name,
            Key=key(partition, sort),
            ProjectionExpression=projection,
            ExpressionAttributeNames=names(projection),
        )
        item: Item | None = answer.get("Item")
        return item

    async def find(self, keys: Sequence[Item], consistent: bool = True) -> list[Item]:
        """Those of the items that are there, in no order."""
        found = await asyncio.gather(
            *(self._find(keys[start : start + _GET_AT_ONCE], consistent) for start in range(0, len(keys), _GET_AT_ONCE))
        )
        return [item for items in found for item in items]

    async def query(self, condition: str, values: dict[str, Attribute], **params: Any) -> Page:
        answer = await self.calls.call(
            "query",
            TableName=self._name,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names(condition, params.get("ProjectionExpression", "")),
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            **params,
        )
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    async def pages(
        self, partition: str, first: str, last: str, newest_first: bool = False, limit: int | None = None
    ) -> AsyncGenerator[Page, None]:
        """The items with first <= sort key <= last; `limit` is what one request reads at most."""
        params: dict[str, Any] = {"ScanIndexForward": not newest_first, "ConsistentRead": True}
        if limit is not None:
            params["Limit"] = limit
        values = {"partition": string(partition), "first": string(first), "last": string(last)}
        condition = f"#{PARTITION} = :partition AND #{SORT} BETWEEN :first AND :last"
        while True:
            page = await self.query(condition, values, **params)
            yield page
            if page.last is None:
                return
            params["ExclusiveStartKey"] = page.last

    async def write(self, *actions: Action) -> list[Item | None] | None:
        """Does all or nothing. None when it was done; else, action by action, what is in the way (see `Refused`).

        An answer that got lost makes the request come twice. A transaction's token makes the second one count as the
        first for ten minutes; where there is none, the second is refused by what the first left, and the caller has to
        recognise its own traces in what is returned.
        """
        try:
            if len(actions) == 1:
                (action,) = actions
                await self.calls.call(f"{action.kind.lower()}_item", TableName=self._name, **action.params)
            else:
                items = [{action.kind: {"TableName": self._name, **action.params}} for action in actions]
                await self.calls.call(
                    "transact_write_items", TransactItems=items, ClientRequestToken=secrets.token_hex(16)
                )
        except Refused as refused:
            return refused.items
        return None

    async def update(self, action: Action) -> Updated:
        try:
            answer = await self.calls.call("update_item", TableName=self._name, ReturnValues="ALL_NEW", **action.params)
        except Refused as refused:
            return Updated(False, refused.items[0] or {})
        return Updated(True, answer["Attributes"])

    async def put_all(self, items: Sequence[Item]) -> None:
        """Not all or nothing: for items that nobody looks for yet."""
        await self._write_all([{"PutRequest": {"Item": item}} for item in items])

    async def erase_all(self, keys: Sequence[Item]) -> None:
        await self._write_all([{"DeleteRequest": {"Key": at}} for at in keys])

    async def _find(self, keys: Sequence[Item], consistent: bool) -> list[Item]:
        found: list[Item] = []
        wanted: list[Item] = list(keys)
        for tries in range(TRIES):
            request = {self._name: {"Keys": wanted, "ConsistentRead": consistent}}
            answer = await self.calls.call("batch_get_item", RequestItems=request)
            got = answer["Responses"].get(self._name, [])
            found += got
            wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if not wanted:
                return found
            if not got:  # an answer is also cut at 16 MB, and then there is nothing to wait for
                await pause(tries)
        raise RateLimited("the session store is asked for too much at once", retry_after=1.0)

    async def _write_all(self, requests: Sequence[dict[str, Any]]) -> None:
        at_once = asyncio.Semaphore(_BATCHES_AT_ONCE)

        async def write(batch: list[dict[str, Any]]) -> None:
            async with at_once:
                for tries in range(TRIES):
                    answer = await self.calls.call("batch_write_item", RequestItems={self._name: batch})
                    batch = answer.get("UnprocessedItems", {}).get(self._name, [])
                    if not batch:
                        return
                    await pause(tries)
                raise RateLimited("the session store is asked for too much at once", retry_after=1.0)

        await asyncio.gather(*map(write, _batches(requests)))


def _batches(requests: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for request in requests:
        item = request.get("PutRequest", {}).get("Item", {})
        bytes_ = sum(len(value) for attribute in item.values() for value in attribute.values())
        if batch and (len(batch) == _PUT_AT_ONCE or size + bytes_ > _PUT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(request)
        size += bytes_
    if batch:
        yield batch
