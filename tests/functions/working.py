"""The door `worker` beside another one: it is woken by what that one put into the queue."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.functions.cloud import Cloud
from tests.functions.doors import door


@asynccontextmanager
async def a_worker(cloud: Cloud) -> AsyncIterator[None]:
    """Looks after what comes into the queue, while the body goes on, and has failed at nothing when it ends."""
    wakes: list[dict[str, Any]] = []
    for _ in range(200):
        if wakes := await asyncio.to_thread(cloud.alarms):
            break
        await asyncio.sleep(0.05)
    assert wakes, "nobody was woken"
    records = [{"messageId": str(uuid4()), "body": json.dumps(wake)} for wake in wakes]
    with door("worker", cloud.environment) as worker:
        working = asyncio.create_task(asyncio.to_thread(worker.invoke, {"Records": records}))
        try:
            yield
        finally:
            assert (await working)["answer"] == {"batchItemFailures": []}
