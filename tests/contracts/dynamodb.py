"""DynamoDB for the suite: moto's server by default, or what listens at an endpoint; each test has its own table."""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import uuid4

from sessionful.ports import Clock
from sessionful.stores.dynamodb import DynamoDBLog
from sessionful.stores.dynamodb.table import create_table

ENDPOINT = "SESSIONFUL_TEST_DYNAMODB_ENDPOINT"


def with_endpoint() -> bool:
    return ENDPOINT in os.environ


@cache
def moto_client() -> Any:
    return _client(served(moto_app()))


@cache
def endpoint_client() -> Any:
    return _client(os.environ[ENDPOINT])


@asynccontextmanager
async def dynamodb_log(client: Any, clock: Clock) -> AsyncIterator[tuple[DynamoDBLog, Callable[[], Awaitable[int]]]]:
    """A log in a table of its own, and the number of items in it."""
    table = f"sessions-{uuid4().hex}"
    await asyncio.to_thread(create_table, client, table)
    log = DynamoDBLog(client=client, table=table, clock=clock)

    def count() -> int:
        pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT", ConsistentRead=True)
        return sum(page["Count"] for page in pages)

    async def raw_count() -> int:
        return await asyncio.to_thread(count)

    yield log, raw_count
    await log.close()
    await asyncio.to_thread(client.delete_table, TableName=table)


def _client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(max_pool_connections=64),
    )


def moto_app() -> Any:
    """All of moto's services as a WSGI application. moto has no isolation between requests: it checks a condition and
    writes in two movements, which DynamoDB does not. So they are let in one at a time."""
    # Loaded here, because it takes a second that the other stores need not wait for.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    app = DomainDispatcherApplication(create_backend_app)
    turnstile = threading.Lock()

    def one_at_a_time(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with turnstile:
            return list(app(environ, start_response))

    return one_at_a_time


def served(app: Any, host: str = "127.0.0.1", port: int = 0) -> str:
    """The URL of a WSGI application that is served from now on to the end of the process."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every request would bury what failed
    server = make_server(host, port, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.shutdown)
    return f"http://{host}:{server.server_port}"
