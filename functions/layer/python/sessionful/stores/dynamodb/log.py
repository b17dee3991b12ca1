"""Sessions in a DynamoDB table."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from sessionful.domain.clock import now_ms
from sessionful.domain.lineage import stretches, turn_stretches
from sessionful.domain.session import (
    Position,
    QueuedTurn,
    Segment,
    Session,
    SessionChange,
    SessionKey,
    SessionPage,
)
from sessionful.domain.turn import (
    Admitted,
    Attached,
    Entry,
    Group,
    Lease,
    NewTurn,
    Queued,
    Taken,
    Watched,
    Window,
)
from sessionful.ports import Clock
from sessionful.stores.dynamodb import keys
from sessionful.stores.dynamodb.access import Table
from sessionful.stores.dynamodb.admission import Admission
from sessionful.stores.dynamodb.calls import Calls
from sessionful.stores.dynamodb.changing import Changing
from sessionful.stores.dynamodb.client import new_client
from sessionful.stores.dynamodb.erasing import Ended, Erasing
from sessionful.stores.dynamodb.flushing import Flushing
from sessionful.stores.dynamodb.founding import Founding
from sessionful.stores.dynamodb.groups import Groups
from sessionful.stores.dynamodb.holding import Held
from sessionful.stores.dynamodb.listing import Listing
from sessionful.stores.dynamodb.loading import Heads
from sessionful.stores.dynamodb.pieces import Pieces
from sessionful.stores.dynamodb.queue import Queue
from sessionful.stores.dynamodb.reading import Entries
from sessionful.stores.dynamodb.turns import Turns
from sessionful.stores.objects import Objects, S3Objects


class DynamoDBLog:
    """A SessionLog in one DynamoDB table (table.py makes it, keys.py tells what lies where).

    A plain turn of one step is three requests in two round trips, however long its session: begin is one conditional
    update with one query beside it, settle one transaction. It costs 5 write units, 6 when it renews the session's mark
    in the index (see marks.py), while the head and the entry stay under 1 KB each, and reads what the window asks for.
    What it flushes while it runs costs a unit each time, and now and then another (see groups.py).

    What is over 256 KB compressed goes into `objects`, where there are any, and else in pieces into the table.

    `client` is a low-level boto3 client for DynamoDB; its own retries may be off, for every request is tried again
    here. Every method may also raise RateLimited and StoreUnavailable; nothing is half-written then, but what was
    asked for may have been done all the same when its answer was lost, and saying it once more does it no second time.
    """

    def __init__(self, client: Any, table: str, clock: Clock = now_ms, objects: Objects | None = None) -> None:
        self._client = client
        self._objects = objects
        self._owns_client = False
        self._calls = Calls(client)
        self._table = Table(self._calls, table)
        pieces, held = Pieces(self._table, objects), Held()
        self._heads = Heads(self._table, pieces, clock)
        self._entries = Entries(self._table, pieces, self._heads)
        self._erasing = Erasing(self._table, self._heads, pieces)
        self._founding = Founding(self._table, pieces, self._heads, self._entries, self._erasing)
        self._changing = Changing(self._table, self._heads)
        self._listing = Listing(self._table, self._heads)
        self._queue = Queue(self._table, pieces, self._heads, self._entries, held)
        self._admission = Admission(self._table, pieces, self._heads, self._entries, held, self._queue)
        self._turns = Turns(self._table, pieces, self._heads, held)
        self._flushing = Flushing(self._table, self._heads, Groups(self._table, clock), held)

    @classmethod
    def open(
        cls,
        table: str,
        region: str | None = None,
        endpoint_url: str | None = None,
        clock: Clock = now_ms,
        bucket: str | None = None,
    ) -> Self:
        """With clients of its own; what is not given is what boto3 finds in the environment. What is too large for the
        table is put into the `bucket`, below the table's name. Raises ConfigError."""
        objects = None if bucket is None else S3Objects.open(bucket, table, region)
        log = cls(new_client(region, endpoint_url), table, clock, objects)
        log._owns_client = True
        return log

    async def create(self, session: Session, entries: Sequence[Entry] = ()) -> Session:
        return await self._founding.create(session, entries)

    async def get(self, key: SessionKey) -> Session:
        return (await self._heads.live(key)).session

    async def head(self, key: SessionKey) -> Session:
        return (await self._heads.get(key)).session

    async def find(self, owner: str, session_id: str, agents: Sequence[str]) -> list[Session]:
        wanted = [SessionKey(owner, agent, session_id) for agent in dict.fromkeys(agents)]
        now = self._heads.clock()
        found = {head.session.key: head.session for head in await self._heads.many(wanted)}
        return [found[key] for key in wanted if key in found and not found[key].expired(now)]

    async def list_sessions(
        self, owner: str, agents: Sequence[str], limit: int, cursor: str | None = None
    ) -> SessionPage:
        """Exact while an owner has up to 100 sessions with these agents; how exact beyond that, see listing.py."""
        return await self._listing.page(owner, agents, limit, cursor)

    async def change(self, key: SessionKey, change: SessionChange, if_version: int | None = None) -> Session:
        return await self._changing.change(key, change, if_version)

    async def delete(self, key: SessionKey, log: str | None = None) -> None:
        await self._erasing.delete(key, log)

    async def expired(self, agents: Sequence[str], at: int, limit: int) -> list[Session]:
        """None: the table's own expiry takes the heads, and who follows its stream sweeps."""
        return []

    async def fork(self, source: SessionKey, at: Position | None, child: Session) -> Session:
        return await self._founding.fork(source, at, child)

    async def rebase(
        self,
        key: SessionKey,
        past: Sequence[Segment],
        message_count: int,
        state: Mapping[str, Any] | None = None,
        if_version: int | None = None,
    ) -> Session:
        return await self._changing.rebase(key, past, message_count, state, if_version)

    async def begin(self, key: SessionKey, turn: NewTurn, window: Window) -> Admitted | Attached | Queued:
        return await self._admission.begin(key, turn, window)

    async def begin_next(self, key: SessionKey, lease_ms: int, window: Window) -> Admitted | None:
        return await self._queue.begin_next(key, lease_ms, window)

    async def queued(self, key: SessionKey) -> list[QueuedTurn]:
        return await self._queue.turns(key)

    async def append(self, lease: Lease, entry: Entry, lease_until: int) -> None:
        await self._turns.append(lease, entry, lease_until)

    async def settle(self, lease: Lease, entry: Entry) -> Session:
        return await self._turns.settle(lease, entry)

    async def insert(self, key: SessionKey, entry: Entry) -> Session:
        return await self._turns.insert(key, entry)

    async def flush(self, lease: Lease, group: Group | None, lease_until: int) -> bool:
        return await self._flushing.flush(lease, group, lease_until)

    async def peek(self, lease: Lease) -> bool:
        return await self._flushing.peek(lease)

    async def release(self, lease: Lease) -> None:
        await self._flushing.release(lease)

    async def take_over(self, key: SessionKey, lease_until: int) -> Taken | None:
        return await self._flushing.take_over(key, lease_until)

    async def watch(self, key: SessionKey) -> Watched:
        return await self._flushing.watch(key)

    async def ask_cancel(self, key: SessionKey, turn: int) -> None:
        await self._queue.ask_cancel(key, turn)

    async def read(
        self,
        session: Session,
        limit: int,
        after: Position | None = None,
        before: Position | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        return await self._entries.read(session, stretches(session, after, before), limit, newest_first)

    async def turn(self, session: Session, number: int) -> list[Entry]:
        return await self._entries.read(session, turn_stretches(session, number), limit=keys.LAST_STEP)

    async def turn_for(self, key: SessionKey, idempotency_key: str) -> str | None:
        return await self._turns.turn_for(key, idempotency_key)

    async def ended(self, image: dict[str, Any]) -> Ended | None:
        """For the same, before that: whose end it is, for what is kept of a session elsewhere."""
        return await self._erasing.ended(image)

    async def sweep(self, image: dict[str, Any]) -> None:
        """For whoever follows the table's stream: finish the end of a session. `image` is an item as the client gives
        it: the head that the table's expiry removed, or the remains (sort key `R#…`) that a deletion left behind."""
        await self._erasing.sweep(image)

    async def close(self) -> None:
        await self._calls.close()
        if self._owns_client:
            await asyncio.to_thread(self._client.close)
            if self._objects is not None:
                await asyncio.to_thread(self._objects.close)
