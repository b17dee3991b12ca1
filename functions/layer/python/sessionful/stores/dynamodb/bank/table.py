"""The table of memories: keys and expiry, and how to make it where no template does."""

from typing import Any

from sessionful.stores.dynamodb.bank.vector_index import HASH, VectorIndex
from sessionful.stores.dynamodb.table import EXPIRY, PARTITION, SORT


def create_memory_table(client: Any, table: str, index: VectorIndex | None = None) -> None:
    """Makes the table with a low-level DynamoDB client and waits until it is there. Blocks."""
    keyed = [PARTITION, SORT, *([] if index is None else [HASH])]
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": PARTITION, "KeyType": "HASH"}, {"AttributeName": SORT, "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keyed],
        **({} if index is None else {"VectorIndexes": [index.definition]}),
    )
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    expiry = {"Enabled": True, "AttributeName": EXPIRY}
    client.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
