"""boto3's client for models on Bedrock."""

from typing import Any


def runtime_client(region: str | None, timeout: float, connections: int = 50) -> Any:
    """`timeout`: the longest silence, in seconds. Whoever calls it retries. Blocks: it imports and reads files."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=min(10.0, timeout),
        read_timeout=timeout,
        retries={"total_max_attempts": 1},
        max_pool_connections=connections,
        tcp_keepalive=True,
    )
    return boto3.session.Session().client("bedrock-runtime", region_name=region, config=config)
