"""The boto3 client, tuned for many short requests: loaded by whoever opens a table, not by whoever imports this."""

from typing import Any

from sessionful.domain.error import ConfigError


def new_client(region: str | None, endpoint_url: str | None) -> Any:
    """Raises ConfigError when boto3 is missing, or no region is configured."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import NoRegionError
    except ImportError as error:
        raise ConfigError("a DynamoDB store needs boto3: pip install 'sessionful[aws]'", key="store") from error
    tuned = Config(
        connect_timeout=2,
        read_timeout=10,
        # One connection for each thread that may call (see calls.py), kept open between turns.
        max_pool_connections=32,
        tcp_keepalive=True,
        # Requests are tried again in calls.py, where waiting holds up no thread and where a lost answer is understood.
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    try:
        return boto3.client("dynamodb", region_name=region, endpoint_url=endpoint_url, config=tuned)
    except NoRegionError:
        hint = "set AWS_DEFAULT_REGION or `region`"
        raise ConfigError(f"the DynamoDB store needs a region: {hint}", key="region") from None
