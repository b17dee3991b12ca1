"""Where the sessions and the memories are, as another stack sees it."""

from typing import NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3


class Store(NamedTuple):
    """Names and ARNs of the table of sessions, its stream, the bucket for objects, which lie below that table's name,
    and the table of memories."""

    table: str
    table_arn: str
    stream_arn: str
    bucket: str
    bucket_arn: str
    memories: str
    memories_arn: str


def exported(stack: Stack, table: dynamodb.TableV2, bucket: s3.Bucket, memories: dynamodb.TableV2) -> Store:
    """Exported by name and not on first use, so that a policy's resources are known before the stacks are written."""
    sessions = (table.table_name, table.table_arn, table.table_stream_arn, bucket.bucket_name, bucket.bucket_arn)
    values = (*sessions, memories.table_name, memories.table_arn)
    return Store(*(str(stack.export_value(value)) for value in values))
