"""Sessions in a DynamoDB table: three requests a turn, however long the session."""

from sessionful.stores.dynamodb.log import DynamoDBLog

__all__ = ["DynamoDBLog"]
