"""Two fixtures, `log` and `bank`, that are each implementation in turn."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sessionful.ports import MemoryBank, SessionLog
from tests.contracts.banks import BANKS, OpenedBank
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


@pytest.fixture(params=BANKS)
async def opened_bank(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[OpenedBank]:
    async with BANKS[request.param](clock) as opened:
        yield opened


@pytest.fixture
def bank(opened_bank: OpenedBank) -> MemoryBank:
    return opened_bank.bank
