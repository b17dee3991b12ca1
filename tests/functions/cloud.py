"""What a deployment has besides its functions, on moto's server: a table, a queue, a bucket, and the agents' YAML."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import boto3

from sessionful.stores.dynamodb.table import create_table
from tests.contracts.dynamodb import moto_client

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"

AGENTS = """
llms:
  words: {type: scripted, replies: ["Hello from a function"]}
agents:
  assistant: {llm: words}
"""


class Cloud:
    """`environment` is every door's; nothing in it leads out of this machine."""

    def __init__(self, folder: Path, agents: str = AGENTS, endpoint: str | None = None) -> None:
        """`endpoint` is where the doors find AWS's services, when that is not moto itself."""
        self.url: str = moto_client().meta.endpoint_url
        self.table, self.bucket = f"sessions-{uuid4().hex}", f"objects-{uuid4().hex}"
        create_table(moto_client(), self.table)
        self._sqs = client("sqs")
        self._queue = self._sqs.create_queue(QueueName=f"worker-{uuid4().hex}")["QueueUrl"]
        client("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        file = folder / "agents.yaml"
        file.write_text(agents)
        endpoint = endpoint or self.url
        query = urlencode({"region": REGION, "endpoint_url": endpoint, "bucket": self.bucket})
        self.environment = {
            "SESSIONFUL_CONFIG": str(file),
            "SESSIONFUL_STORE": f"dynamodb:{self.table}?{query}",
            "SESSIONFUL_ALARMS": f"sqs:{self._queue}",
            "SESSIONFUL_AUTH": "none",
            "AWS_ENDPOINT_URL": endpoint,
            **AWS,
        }

    def alarms(self) -> list[dict[str, Any]]:
        """What a worker would be woken with now. Those with a delay are not seen yet."""
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = moto_client().scan(TableName=self.table, ConsistentRead=True)["Items"]
        return found


AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def client(service: str) -> Any:
    """Of moto's server."""
    return boto3.client(
        service,
        endpoint_url=moto_client().meta.endpoint_url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
