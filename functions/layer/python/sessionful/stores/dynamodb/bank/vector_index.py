"""DynamoDB's own vector index over the memories: which attributes it reads, and what it is asked.

An item is in the index while it has both attributes: the memory lives, and its vector has the index's dimensions. The
hash of the index is scope and model together, so no search can leave its scope or compare two models. Numbers are the
vector's steps (see vectors.py), whole and short: a cosine does not depend on their scale, and an item pays by digits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sessionful.domain.memory import Memory
from sessionful.stores.dynamodb.actions import Item, names, string
from sessionful.stores.dynamodb.bank import vectors
from sessionful.stores.dynamodb.calls import Calls
from sessionful.stores.dynamodb.keys import digest
from sessionful.stores.dynamodb.table import PARTITION, SORT

HASH = "s"
VECTOR = "y"
MOST_RESULTS = 100


class VectorIndex(NamedTuple):
    """`dimensions` are those of the vectors that it takes. A scope of up to `scan_upto` memories is read and searched
    exactly all the same, and only a larger one through the index."""

    name: str
    dimensions: int
    scan_upto: int = 10_000

    def attributes(self, partition: str, memory: Memory) -> Item:
        """What an item of this memory has to have for the index; nothing for one that is not to be found there."""
        steps = vectors.steps(memory.vector) if len(memory.vector) == self.dimensions else ()
        if memory.ended_at is not None or memory.model is None or not any(steps):
            return {}
        return {HASH: string(_hash(partition, memory.model)), VECTOR: {"L": [{"N": str(step)} for step in steps]}}

    @property
    def definition(self) -> dict[str, Any]:
        """As `CreateTable` and templates have it; HASH is an attribute of type S."""
        return {
            "IndexName": self.name,
            "VectorAttribute": {"AttributeName": VECTOR},
            "Dimensions": self.dimensions,
            "DistanceFunction": "COSINE",
            "SearchSchema": [{"AttributeName": HASH, "SearchSchemaElementType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }


async def nearest(
    calls: Calls, table: str, index: VectorIndex, partition: str, model: str, vector: Sequence[float], most: int
) -> list[str]:
    """The sort keys of the memories that the index holds for the nearest: approximately, and as they were a moment ago.
    Raises RateLimited and StoreUnavailable, as when the table has no such index or is still filling it."""
    projection = f"#{PARTITION}, #{SORT}"
    condition = f"#{HASH} = :hash"
    answer = await calls.call(
        "search_vectors",
        TableName=table,
        IndexName=index.name,
        SearchVector=[{"N": str(step)} for step in vectors.steps(vector)],
        TopK=min(most, MOST_RESULTS),
        SearchConditionExpression=condition,
        ProjectionExpression=projection,
        ExpressionAttributeNames=names(condition, projection),
        ExpressionAttributeValues={":hash": string(_hash(partition, model))},
    )
    return [result["Item"][SORT]["S"] for result in answer["SearchResults"]]


def _hash(partition: str, model: str) -> str:
    return f"{partition}#{digest(model)}"
