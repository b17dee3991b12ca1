"""The stream of a table, and its records as Lambda hands them to a function."""

import base64
from collections.abc import Iterator
from typing import Any

import boto3

from tests.functions.cold_start import AWS
from tests.stores.dynamodb_servers import Bench

Record = dict[str, Any]


class TableStream:
    """Of a bench's table, from now on."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        bench.client.update_table(TableName=bench.table, StreamSpecification=stream)
        self._client = boto3.client(
            "dynamodbstreams",
            endpoint_url=bench.client.meta.endpoint_url,
            region_name=AWS["AWS_REGION"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        arn = bench.client.describe_table(TableName=bench.table)["Table"]["LatestStreamArn"]
        [shard] = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        self._iterator = self._client.get_shard_iterator(**start)["ShardIterator"]

    def expire(self, log: str) -> None:
        """As the table's expiry does; whose doing it was is for `records` to say."""
        [head] = [item for item in self._bench.items() if item["sk"]["S"] == "H" and item["g"]["S"] == log]
        key = {name: head[name] for name in ("pk", "sk")}
        self._bench.client.delete_item(TableName=self._bench.table, Key=key)

    def records(self, by_expiry: bool = True) -> list[Record]:
        """What has happened since they were asked for last. `by_expiry`: it was the table's own, that took heads."""
        answer = self._client.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        return [as_in_an_event(record, by_expiry) for record in _whole(answer["Records"])]


def _whole(records: list[Record]) -> Iterator[Record]:
    """moto tells of an update that makes an item twice: with its bare keys, then with the rest."""
    bare: list[Record] = []
    for record in records:
        told = record["dynamodb"]
        if record["eventName"] == "INSERT" and told["NewImage"] == told["Keys"]:
            bare.append(told["Keys"])
        elif record["eventName"] == "MODIFY" and told["Keys"] in bare:
            bare.remove(told["Keys"])
            yield {**record, "eventName": "INSERT", "dynamodb": {**told, "OldImage": None}}
        else:
            yield record


def as_in_an_event(record: Record, by_expiry: bool) -> Record:
    """As Lambda hands it to a function."""
    told = {name: value for name, value in record["dynamodb"].items() if name != "ApproximateCreationDateTime"}
    event = {**record, "dynamodb": _without_bytes(told)}
    if by_expiry and record["eventName"] == "REMOVE" and told["Keys"]["sk"]["S"] == "H":
        event["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return event


def _without_bytes(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _without_bytes(inner) for name, inner in value.items()}
        case list():
            return [_without_bytes(inner) for inner in value]
    return value
