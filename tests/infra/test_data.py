"""The tables and the bucket, and what becomes of them."""

from collections.abc import Mapping
from typing import Any

from infra.constructs.tables import INDEX as INDEX_OF_THE_STACK
from sessionful.stores.dynamodb import table as store
from tests.infra.cloud import Cloud


def _tables(cloud: Cloud) -> dict[str, Any]:
    resources = cloud.data["Resources"].items()
    found = {name: one for name, one in resources if one["Type"] == "AWS::DynamoDB::GlobalTable"}
    assert len(found) == 2
    return found


def _sessions(cloud: Cloud) -> dict[str, Any]:
    table: dict[str, Any]
    (table,) = [one["Properties"] for name, one in _tables(cloud).items() if "Sessions" in name]
    return table


def test_the_table_is_the_one_that_the_store_makes_for_itself(iam: Cloud) -> None:
    """Whatever the store's own way of making a table says, the template says too."""
    asked: dict[str, Any] = {}

    class Client:
        def create_table(self, **params: Any) -> None:
            asked.update(params)

        def get_waiter(self, name: str) -> "Client":
            return self

        def wait(self, **params: Any) -> None: ...

        def update_time_to_live(self, **params: Any) -> None:
            asked.update(params)

    store.create_table(Client(), "sessions")
    table = _sessions(iam)
    for key in ("KeySchema", "AttributeDefinitions", "BillingMode", "TimeToLiveSpecification"):
        assert table[key] == asked[key]
    (index,) = table["GlobalSecondaryIndexes"]
    (wanted,) = asked["GlobalSecondaryIndexes"]
    assert wanted == {key: index[key] for key in wanted}
    assert INDEX_OF_THE_STACK == store.INDEX


def test_both_tables_expire_stream_and_are_capped(cloud: Cloud) -> None:
    for table in (one["Properties"] for one in _tables(cloud).values()):
        assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert table["WriteOnDemandThroughputSettings"] == {"MaxWriteRequestUnits": 1000}
        (replica,) = table["Replicas"]
        assert replica["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 2000}


def test_the_index_is_capped_too(iam: Cloud) -> None:
    table = _sessions(iam)
    assert table["GlobalSecondaryIndexes"][0]["WriteOnDemandThroughputSettings"] == {"MaxWriteRequestUnits": 1000}
    (index,) = table["Replicas"][0]["GlobalSecondaryIndexes"]
    assert index["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 2000}


def test_a_table_can_be_brought_back_to_any_second_unless_that_is_switched_off(clouds: Mapping[str, Cloud]) -> None:
    for name, wanted in (("iam", True), ("open", False)):
        for table in (one["Properties"] for one in _tables(clouds[name]).values()):
            recovery = table["Replicas"][0]["PointInTimeRecoverySpecification"]
            assert recovery == {"PointInTimeRecoveryEnabled": wanted}


def test_destroying_leaves_nothing_behind(iam: Cloud) -> None:
    assert not [one for one in iam.resources() if one.get("DeletionPolicy") not in (None, "Delete")]
    assert {one["Properties"]["Replicas"][0]["DeletionProtectionEnabled"] for one in _tables(iam).values()} == {False}
    assert [one for one in iam.resources() if one["Type"] == "Custom::S3AutoDeleteObjects"], "a full bucket stays"


def test_data_that_is_to_be_kept_outlives_the_stacks_and_nothing_else_does(clouds: Mapping[str, Cloud]) -> None:
    cloud = clouds["jwt"]
    kept = [one["Type"] for one in cloud.resources() if one.get("DeletionPolicy") == "Retain"]
    assert sorted(kept) == ["AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket"]
    assert all(one["UpdateReplacePolicy"] == "Retain" for one in _tables(cloud).values())
    assert {one["Properties"]["Replicas"][0]["DeletionProtectionEnabled"] for one in _tables(cloud).values()} == {True}
    assert not [one for one in cloud.resources() if one["Type"] == "Custom::S3AutoDeleteObjects"]


def test_the_bucket_is_private_encrypted_and_holds_no_torn_uploads(cloud: Cloud) -> None:
    (bucket,) = cloud.all("S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
    assert lifecycle == {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}
    assert "VersioningConfiguration" not in bucket
