"""What a writer is told that has lost its turn."""

import pytest

from sessionful.domain.error import LeaseLost
from tests.contracts.clock import NOON
from tests.contracts.writer import Writer


async def assert_cannot_write(writer: Writer) -> None:
    with pytest.raises(LeaseLost):
        await writer.append("too late")
    with pytest.raises(LeaseLost):
        await writer.settle("too late")
    with pytest.raises(LeaseLost):
        await writer.log.flush(writer.lease, None, NOON + 900_000)
    with pytest.raises(LeaseLost):
        await writer.flush("too late")
    with pytest.raises(LeaseLost):
        await writer.log.release(writer.lease)
