"""Objects in a bucket: what S3 refuses, and what is asked of it."""

import socket
from typing import Any

import pytest

from sessionful.domain.error import StoreUnavailable
from sessionful.stores.objects import S3Objects
from tests.stores.object_places import a_bucket, keys_in, new_s3_client, s3_client


async def test_the_objects_of_several_tables_share_a_bucket() -> None:
    async with a_bucket() as bucket:
        one, other = (S3Objects(s3_client, bucket, folder) for folder in ("sessions", "trials"))
        one.put("log/one", b"1")
        other.put("log/one", b"2")
        assert keys_in(bucket) == ["sessions/log/one", "trials/log/one"]
        one.erase("log/")
        assert (one.get("log/one"), other.get("log/one")) == (None, b"2")


def test_nothing_is_connected_before_there_is_something_to_do() -> None:
    connected = []

    def connect() -> Any:
        connected.append("now")
        return s3_client()

    S3Objects(connect, "nowhere", "sessions").close()
    assert connected == []


def test_a_bucket_that_is_not_there_is_told_without_its_name() -> None:
    objects = S3Objects(s3_client, "no-such-bucket", "sessions")
    for use in (objects.get, objects.drop, lambda name: objects.put(name, b""), lambda _: objects.erase("log/")):
        with pytest.raises(StoreUnavailable) as refused:
            use("log/one")
        assert refused.value.details == {"reason": "NoSuchBucket"}
        assert "no-such-bucket" not in refused.value.message


def test_a_bucket_that_cannot_be_reached_is_told_as_such() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        objects = S3Objects(lambda: new_s3_client(url, retries={"total_max_attempts": 1}), "objects", "sessions")
        with pytest.raises(StoreUnavailable) as refused:
            objects.put("log/one", b"1")
    assert refused.value.details == {"reason": "EndpointConnectionError"}
