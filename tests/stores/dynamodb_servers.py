"""The DynamoDBs that the tests of this room run over: moto's server, and the one at an endpoint when there is one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sessionful.ports import Clock
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.dynamodb.table import create_table
from tests.contracts.dynamodb import endpoint_client, moto_client, with_endpoint
from tests.stores.dynamodb_meter import Meter
from tests.stores.dynamodb_relay import Relay, relay_before

SERVERS = ["moto", *(["endpoint"] if with_endpoint() else [])]


def url_of(server: str) -> str:
    url: str = (moto_client() if server == "moto" else endpoint_client()).meta.endpoint_url
    return url


def client_of(url: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        # What is tried again is for the store to decide.
        config=Config(max_pool_connections=32, read_timeout=30, retries={"total_max_attempts": 1}),
    )


@dataclass
class Bench:
    """A log whose every request passes a relay; `client` goes past it."""

    log: DynamoDBLog
    relay: Relay
    meter: Meter
    client: Any
    table: str
    clock: Clock

    def items(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def another(self) -> DynamoDBLog:
        """A log that another process might have: it knows nothing that this one knows."""
        return DynamoDBLog(client_of(self.relay.url), self.table, self.clock)


@asynccontextmanager
async def bench(server: str, clock: Clock) -> AsyncIterator[Bench]:
    url, table = url_of(server), f"bench-{uuid4().hex}"
    client = client_of(url)
    await asyncio.to_thread(create_table, client, table)
    with relay_before(url) as relay:
        log = DynamoDBLog(client_of(relay.url), table, clock)
        yield Bench(log, relay, Meter(client, table), client, table, clock)
        await log.close()
    await asyncio.to_thread(client.delete_table, TableName=table)
