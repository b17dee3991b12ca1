"""The stores that the SDK's users name: each is a SessionLog with the four verbs on top."""

from pathlib import Path
from urllib.parse import urlencode

from sessionful.stores.four_verbs import LogStore
from sessionful.stores.in_memory import InMemoryLog


class MemoryStore(LogStore):
    """Sessions in this process's memory."""

    def __init__(self) -> None:
        super().__init__(InMemoryLog(), "memory")


InMemoryStore = MemoryStore


class SQLiteStore(LogStore):
    """Sessions in one SQLite file, made where it is missing. Several processes may use it."""

    def __init__(self, path: str | Path = "sessions.db") -> None:
        from sessionful.stores.sql import SqlLog  # SQLAlchemy is loaded by those who use it

        url = f"sqlite:///{Path(path).expanduser()}"
        super().__init__(SqlLog.open(url), url)


class DynamoDBStore(LogStore):
    """Sessions in a DynamoDB table that exists (`sessionful.stores.dynamodb.table.create_table` makes one).

    `region` and `endpoint_url` default to what boto3 finds in the environment.
    """

    def __init__(self, table: str, region: str | None = None, endpoint_url: str | None = None) -> None:
        from sessionful.stores.dynamodb import DynamoDBLog  # boto3 is loaded by those who use it

        given = {"region": region, "endpoint_url": endpoint_url}
        query = urlencode({name: value for name, value in given.items() if value is not None})
        super().__init__(
            DynamoDBLog.open(table, region=region, endpoint_url=endpoint_url),
            f"dynamodb:{table}{'?' + query if query else ''}",
        )
