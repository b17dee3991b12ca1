"""An issuer for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.auth.issuer import LocalIssuer


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer() as issuer:
        yield issuer
