"""One fixture, `log`, that is each implementation in turn."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sessionful.ports import SessionLog
from tests.contracts.clock import ManualClock
from tests.contracts.stores import FACTORIES, Opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=FACTORIES)
async def opened(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Opened]:
    async with FACTORIES[request.param](clock) as opened:
        yield opened


@pytest.fixture
def log(opened: Opened) -> SessionLog:
    return opened.log


@pytest.fixture
def raw_count(opened: Opened) -> Callable[[], Awaitable[int]]:
    return opened.raw_count
