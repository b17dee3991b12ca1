"""Memories in a DynamoDB table: read once a scope, searched in the process."""

from sessionful.stores.dynamodb.bank.bank import DynamoDBBank
from sessionful.stores.dynamodb.bank.vector_index import VectorIndex

__all__ = ["DynamoDBBank", "VectorIndex"]
