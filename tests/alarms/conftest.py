"""The queues of alarms that every test of the contract runs over."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sessionful.alarms.bell import AlarmQueue
from sessionful.alarms.in_memory import InMemoryAlarmQueue
from sessionful.alarms.sqlite import SqliteAlarmQueue
from sessionful.alarms.sqs import SqsAlarmQueue
from tests.alarms.sqs_server import a_queue, on_clock, sqs_client
from tests.contracts.clock import ManualClock

ORDERED = ["in_memory", "sqlite"]


@pytest.fixture(params=[*ORDERED, "sqs"])
async def queue(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> AsyncIterator[AlarmQueue]:
    with ExitStack() as stack:
        alarms: AlarmQueue
        if request.param == "sqs":
            stack.enter_context(on_clock(clock))
            alarms = SqsAlarmQueue(sqs_client, stack.enter_context(a_queue()))
        elif request.param == "sqlite":
            alarms = SqliteAlarmQueue.open(tmp_path / "alarms.db", clock)
        else:
            alarms = InMemoryAlarmQueue(clock)
        yield alarms
        await alarms.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
