"""What a door may do with sessions and memories: the requests that the package's DynamoDB stores make, and no other."""

from infra.constructs.door import Door
from infra.constructs.store import Store
from infra.constructs.tables import INDEX

# A transaction needs the rights of its parts: there is no action of its own.
_ON_ITEMS = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
]


_OBJECTS = "Objects are named after their sessions, and all of them lie below the table's name."


def allow_sessions(door: Door, store: Store) -> None:
    door.allow(_ON_ITEMS, [store.table_arn, store.memories_arn])
    door.allow(["dynamodb:Query"], [f"{store.table_arn}/index/{INDEX}"])
    door.allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [_objects(store)], wildcards=_OBJECTS)
    door.allow(["s3:ListBucket"], [store.bucket_arn])


def allow_sweeping(door: Door, store: Store) -> None:
    """What erasing takes: it lists nobody's sessions, and adds no objects."""
    door.allow(_ON_ITEMS, [store.table_arn, store.memories_arn])
    door.allow(["s3:DeleteObject", "s3:GetObject"], [_objects(store)], wildcards=_OBJECTS)
    door.allow(["s3:ListBucket"], [store.bucket_arn])


def _objects(store: Store) -> str:
    return f"{store.bucket_arn}/{store.table}/*"
