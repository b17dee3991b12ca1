"""Places for objects, each empty: a folder, and a bucket of moto's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from sessionful.stores.objects import Files, Objects, S3Objects
from tests.contracts.dynamodb import moto_client

FOLDER = "sessions"


@cache
def s3_client() -> Any:
    return new_s3_client(moto_client().meta.endpoint_url)


def new_s3_client(url: str, **config: Any) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(s3={"addressing_style": "path"}, **config),
    )


@asynccontextmanager
async def in_a_folder(tmp_path: Path) -> AsyncIterator[Objects]:
    yield Files(tmp_path / "made" / "objects")


@asynccontextmanager
async def in_a_bucket(_: Path) -> AsyncIterator[Objects]:
    async with a_bucket() as bucket:
        yield S3Objects(s3_client, bucket, FOLDER)


@asynccontextmanager
async def a_bucket() -> AsyncIterator[str]:
    """A new bucket's name; what was put there is erased with it."""
    client, bucket = await asyncio.to_thread(s3_client), f"objects-{uuid4().hex}"
    place = {"LocationConstraint": "eu-central-1"}
    await asyncio.to_thread(client.create_bucket, Bucket=bucket, CreateBucketConfiguration=place)
    yield bucket
    for key in await asyncio.to_thread(keys_in, bucket):
        await asyncio.to_thread(client.delete_object, Bucket=bucket, Key=key)
    await asyncio.to_thread(client.delete_bucket, Bucket=bucket)


def keys_in(bucket: str) -> list[str]:
    pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


PLACES: dict[str, Callable[[Path], AbstractAsyncContextManager[Objects]]] = {
    "folder": in_a_folder,
    "bucket": in_a_bucket,
}
