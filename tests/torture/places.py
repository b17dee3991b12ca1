"""Where the sessions under torture are kept: each kind of store, empty, and what can go wrong on the way to it."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

from tests.contracts.databases import new_postgres, new_sqlite, with_postgres
from tests.stores.dynamodb_relay import Answer, Forward, Json, LostAnswer, relay_before
from tests.stores.dynamodb_spoils import WRITES, throttled

STORES = ["sqlite", *["postgres"] * with_postgres(), "dynamodb"]


@dataclass
class Weather:
    """Between the servers and DynamoDB: the chance that a request is throttled, or that the answer to a write is lost,
    and the longest delay in seconds. Fair by default."""

    random: random.Random
    throttling: float = 0.0
    losing: float = 0.0
    latency: float = 0.0

    def spoil(self, operation: str, request: Json, forward: Forward) -> Answer:
        if self.latency:
            time.sleep(self.random.random() ** 4 * self.latency)
        if self.random.random() < self.throttling:
            return throttled("ProvisionedThroughputExceededException")
        answer = forward()
        if operation in WRITES and self.random.random() < self.losing:
            raise LostAnswer
        return answer

    def clear_up(self) -> None:
        self.throttling = self.losing = self.latency = 0.0


@contextmanager
def a_place(store: str, seed: int) -> Iterator[tuple[str, Weather]]:
    """The address of an empty store, and the weather on the way there."""
    weather = Weather(random.Random(seed))
    if store != "dynamodb":
        yield {"sqlite": new_sqlite, "postgres": new_postgres}[store](), weather
        return
    from sessionful.stores.dynamodb.table import create_table
    from tests.contracts.dynamodb import endpoint_client, moto_client, with_endpoint

    client = endpoint_client() if with_endpoint() else moto_client()
    table = f"torture-{uuid4().hex}"
    create_table(client, table)
    with relay_before(client.meta.endpoint_url) as relay:
        relay.spoil = weather.spoil
        query = urlencode({"region": "eu-central-1", "endpoint_url": relay.url})
        try:
            yield f"dynamodb:{table}?{query}", weather
        finally:
            client.delete_table(TableName=table)
