"""The SQL databases there are, each with a new database of its own."""

from collections.abc import AsyncIterator

import pytest

from sessionful.stores.sql import SqlLog
from tests.contracts.clock import ManualClock
from tests.contracts.databases import new_mysql, new_postgres, new_sqlite, with_mysql, with_postgres

SQL = {
    "sqlite": new_sqlite,
    **({"postgres": new_postgres} if with_postgres() else {}),
    **({"mysql": new_mysql} if with_mysql() else {}),
}


@pytest.fixture(params=SQL)
def sql_url(request: pytest.FixtureRequest) -> str:
    return SQL[request.param]()


@pytest.fixture
async def sql_log(sql_url: str) -> AsyncIterator[SqlLog]:
    log = SqlLog.open(sql_url, clock=ManualClock())
    yield log
    await log.close()
