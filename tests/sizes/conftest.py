"""One fixture, `another`, that opens a log on each of the stores in turn."""

from collections.abc import AsyncIterator

import pytest

from tests.sizes.stores import STORES, Open


@pytest.fixture(params=STORES)
async def another(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    async with STORES[request.param]() as opened:
        yield opened
