"""A whole deployment on this machine: each door in processes of its own, its table, its queue, its bucket and the two
gateways; and what all that is asked for, counted on the wire."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sessionful.domain.clock import now_ms
from tests.e2e.routing import door_of, heard_by_the_curator
from tests.functions.cloud import REGION, Cloud, client
from tests.functions.doors import Answer, Door, door
from tests.functions.events import ALICE, http_event
from tests.functions.stream_door import StreamDoor, stream_door
from tests.functions.table_stream import TableStream
from tests.functions.websocket_house import House, doors, open_house
from tests.stores.dynamodb_relay import Relay, relay_before
from tests.stores.dynamodb_servers import Bench, bench


@dataclass
class Deployment:
    """`table` knows the table past its relay, `queue` is the relay before SQS, `changes` the table's stream."""

    table: Bench
    queue: Relay
    cloud: Cloud
    changes: TableStream
    sessions: Door
    messages: Door
    stream: StreamDoor
    curator: Door
    house: House

    def http(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        """Through the HTTP API."""
        to = {"sessions": self.sessions, "messages": self.messages}[door_of(method, path)]
        return to.ask(http_event(method, path, body, **{"user_id": ALICE, **event}))

    def sweep(self, *, expired: str | None = None) -> None:
        """The curator is told what the table's stream has for it since the last time, after the table's own expiry
        took this log's head."""
        if expired is not None:
            self.changes.expire(expired)
        records: list[Any] = []
        while more := self.changes.records(by_expiry=expired is not None):
            records += filter(heard_by_the_curator, more)
        told = self.curator.invoke({"Records": records})
        assert told["answer"] == {"batchItemFailures": []}, told

    def items(self, prefix: str = "") -> list[dict[str, Any]]:
        return [item for item in self.table.items() if item["pk"]["S"].startswith(prefix)]

    def objects(self) -> list[str]:
        listed = client("s3").list_objects_v2(Bucket=self.cloud.bucket)
        return [one["Key"] for one in listed.get("Contents", [])]

    def reset(self) -> None:
        """Nothing has been counted."""
        self.table.meter.reset()
        for counted in (self.table.relay.heard, self.queue.heard, self.house.heard, self.house.gateway.posts):
            counted.clear()


@asynccontextmanager
async def deployment(server: str, folder: Path, agents: str) -> AsyncIterator[Deployment]:
    """`server` is the DynamoDB; SQS and S3 are moto's."""
    async with bench(server, now_ms) as table:
        cloud = Cloud(folder, agents)
        table.relay.watch = table.meter.watch
        with relay_before(cloud.url) as queue, ExitStack() as stack:
            environment = cloud.environment
            query = urlencode({"region": REGION, "endpoint_url": table.relay.url, "bucket": cloud.bucket})
            environment |= {
                "SESSIONFUL_STORE": f"dynamodb:{table.table}?{query}",
                "SESSIONFUL_ALARMS": environment["SESSIONFUL_ALARMS"].replace(cloud.url, queue.url),
                "SESSIONFUL_AUTH": "iam",
            }
            changes = TableStream(table)
            stream = stack.enter_context(stream_door(environment))
            sessions = stack.enter_context(door("sessions", environment))
            messages = stack.enter_context(door("messages", {**environment, "SESSIONFUL_STREAM_URL": stream.url}))
            curator = stack.enter_context(door("curator", environment))
            websocket, workers = stack.enter_context(doors(environment, workers=1))
            async with open_house(cloud, websocket, workers) as house:
                house.gateway.user = ALICE
                yield Deployment(table, queue, cloud, changes, sessions, messages, stream, curator, house)
