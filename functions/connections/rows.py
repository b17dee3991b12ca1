"""The connections of the WebSocket API and what they are being told, in the table of the sessions:

- `W#<connection id>`, `H`: the connection. o owner, g agent, u endpoint
- `W#<connection id>`, `S#<stream id>`: a stream, what one of its asks wants to be told. s subscription (JSON),
  u endpoint, c the last frame's id that was sent, w nonce of who tells it, l until when (ms), n claims since the last
  progress

All of them expire: nobody is sure to hear when a connection breaks.
"""

import secrets
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl

from sessionful.domain.clock import now_ms
from sessionful.ports import Clock
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.actions import Item, assignment, delete, key, number, put, string, update
from sessionful.stores.dynamodb.calls import Calls
from sessionful.stores.dynamodb.client import new_client
from sessionful.stores.dynamodb.table import EXPIRY, PARTITION, SORT
from sessionful.surfaces.websocket.subscription import Subscription

LONGEST_SECONDS = 2 * 3600 + 600
"""API Gateway closes a connection after two hours."""

_HEAD = "H"
_STREAM = "S#"
_LAST = "S~"


class Connection(NamedTuple):
    """`endpoint` is the URL that frames are posted to."""

    id: str
    owner: str
    agent: str
    endpoint: str


class Known(NamedTuple):
    """A connection, and what is being told on it."""

    connection: Connection
    subscriptions: list[Subscription]


class Stream(NamedTuple):
    """`teller` tells it, as long as its claim holds. `tries`: how often it was claimed since it last made progress."""

    connection: str
    id: str
    endpoint: str
    subscription: Subscription
    teller: str
    tries: int


class Held(NamedTuple):
    """Somebody tells it, and will for so many seconds more at least."""

    seconds: float


class Connections:
    """Every method raises RateLimited and StoreUnavailable."""

    def __init__(self, client: Any, table: str, clock: Clock = now_ms) -> None:
        self._client, self._clock = client, clock
        self._calls = Calls(client)
        self._table = Table(self._calls, table)

    @classmethod
    def open(cls, store: str, clock: Clock = now_ms) -> Self:
        """`store` is a short name, `dynamodb:TABLE` with what may follow."""
        table, _, query = store.removeprefix("dynamodb:").partition("?")
        options = dict(parse_qsl(query))
        return cls(new_client(options.get("region"), options.get("endpoint_url")), table, clock)

    async def close(self) -> None:
        await self._calls.close()
        self._client.close()

    async def add(self, connection: Connection) -> None:
        item = {"o": string(connection.owner), "g": string(connection.agent), "u": string(connection.endpoint)}
        await self._table.write(put(self._item(connection.id, _HEAD, item)))

    async def find(self, connection: str) -> Known | None:
        """None when it is not known, or no more."""
        items = [item for item in await self._items(connection) if int(item[EXPIRY]["N"]) > self._clock() // 1000]
        heads = [item for item in items if item[SORT]["S"] == _HEAD]
        if not heads:
            return None
        owner, agent, endpoint = (heads[0][name]["S"] for name in ("o", "g", "u"))
        return Known(Connection(connection, owner, agent, endpoint), [_subscription(i) for i in items if "s" in i])

    async def erase(self, connection: str) -> None:
        """With all that is being told on it: whoever tells it finds nothing to go on with."""
        items = await self._items(connection)
        await self._table.erase_all([{name: item[name] for name in (PARTITION, SORT)} for item in items])

    async def subscribe(self, connection: Connection, subscription: Subscription) -> str:
        """The new stream's id."""
        stream = secrets.token_urlsafe(9)
        item = {"s": string(subscription.model_dump_json(exclude_none=True)), "u": string(connection.endpoint)}
        await self._table.write(put(self._item(connection.id, _STREAM + stream, item)))
        return stream

    async def claim(self, connection: str, stream: str, seconds: float) -> Stream | Held | None:
        """The right to tell it, for so many seconds, with the place to go on from. None when nothing is to be told."""
        now, teller = self._clock(), secrets.token_urlsafe(9)
        values = {
            "teller": string(teller),
            "until": number(now + int(seconds * 1000)),
            "now": number(now),
            "today": number(now // 1000),
            "one": number(1),
        }
        free = "attribute_not_exists(#l) OR #w = :teller OR #l <= :now"
        expression, condition = "SET #w = :teller, #l = :until ADD #n :one", f"#{EXPIRY} > :today AND ({free})"
        updated = await self._table.update(update(_at(connection, stream), expression, condition, values))
        item = updated.item
        if updated.done:
            return Stream(connection, stream, item["u"]["S"], _subscription(item), teller, int(item["n"]["N"]))
        if not item or int(item[EXPIRY]["N"]) <= now // 1000:
            return None
        return Held((int(item["l"]["N"]) - now) / 1000)

    async def keep(self, stream: Stream, told: str | None, seconds: float) -> bool:
        """For so many seconds more, and told up to there. False when it is another's now, or gone."""
        return await self._write(stream, self._clock() + int(seconds * 1000), told)

    async def release(self, stream: Stream, told: str | None) -> bool:
        """Told up to there; whoever comes next goes on."""
        return await self._write(stream, 0, told)

    async def end(self, stream: Stream) -> None:
        """All is told."""
        await self._table.write(delete(_at(stream.connection, stream.id), "#w = :me", {"me": string(stream.teller)}))

    async def _write(self, stream: Stream, until: int, told: str | None) -> bool:
        changes = {"l": number(until)}
        if told is not None:
            changes.update(c=string(told), n=number(0))
        expression, values = assignment(changes, ())
        values["me"] = string(stream.teller)
        return (
            await self._table.update(update(_at(stream.connection, stream.id), expression, "#w = :me", values))
        ).done

    async def _items(self, connection: str) -> list[Item]:
        pages = self._table.pages(_partition(connection), _HEAD, _LAST)
        return [item async for page in pages for item in page.items]

    def _item(self, connection: str, sort: str, attributes: Item) -> Item:
        expiry = number(self._clock() // 1000 + LONGEST_SECONDS)
        return {**key(_partition(connection), sort), **attributes, EXPIRY: expiry}


def _partition(connection: str) -> str:
    return f"W#{connection}"


def _at(connection: str, stream: str) -> Item:
    return key(_partition(connection), _STREAM + stream)


def _subscription(item: Item) -> Subscription:
    """With the place that it is told up to."""
    subscription = Subscription.model_validate_json(item["s"]["S"])
    return subscription.model_copy(update={"after": item["c"]["S"]}) if "c" in item else subscription
