"""The queues of alarms that every test of the contract runs over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessionful.alarms.bell import AlarmQueue
from sessionful.alarms.in_memory import InMemoryAlarmQueue
from sessionful.alarms.sqlite import SqliteAlarmQueue
from tests.contracts.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["in_memory", "sqlite"])
async def queue(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> AsyncIterator[AlarmQueue]:
    alarms: AlarmQueue
    if request.param == "sqlite":
        alarms = SqliteAlarmQueue.open(tmp_path / "alarms.db", clock)
    else:
        alarms = InMemoryAlarmQueue(clock)
    yield alarms
    await alarms.close()
