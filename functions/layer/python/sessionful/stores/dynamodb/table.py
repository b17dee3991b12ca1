"""The table: its keys, its one index, its expiry, and how to make it where no template does."""

from typing import Any

PARTITION = "pk"
SORT = "sk"
INDEX = "activity"
INDEX_PARTITION = "a"
INDEX_SORT = "m"
EXPIRY = "ttl"
"""Seconds since 1970. On heads it lies `GRACE_SECONDS` behind the session's end, so that the end can be told; and on
chunks (see groups.py), which nobody else erases while their session lives."""

GRACE_SECONDS = 7 * 86_400


def create_table(client: Any, table: str) -> None:
    """Makes the table with a low-level DynamoDB client and waits until it is there. Blocks."""
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_keys(PARTITION, SORT),
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in ((PARTITION, "S"), (SORT, "S"), (INDEX_PARTITION, "S"), (INDEX_SORT, "N"))
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": _keys(INDEX_PARTITION, INDEX_SORT),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    expiry = {"Enabled": True, "AttributeName": EXPIRY}
    client.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
