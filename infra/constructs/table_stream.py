"""What the curator hears of the table's stream: heads that expired, and remains of deleted sessions. Nothing else is
worth an invocation, and filtered records cost none."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.constructs.dead_letters import dead_letters
from infra.constructs.door import Door
from infra.constructs.store import Store

EXPIRED_HEADS: dict[str, Any] = {
    "eventName": ["REMOVE"],
    "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "S#"}]}, "sk": {"S": ["H"]}}},
}
# Modified ones too: when a fork lets go of a log and dies before it has erased it, that is all that tells of it.
REMAINS: dict[str, Any] = {
    "eventName": ["INSERT", "MODIFY"],
    "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "R#"}]}}},
}

_RETRIES = 10
_HOURS = 6  # of the stream's 24: what is older ends in the dead letters

_STREAMS = "The stream's own name is a time. It is this table's only."


class TableStream(Construct):
    def __init__(self, scope: Construct, id: str, store: Store, door: Door) -> None:
        super().__init__(scope, id)
        self.dead = dead_letters(self, "Dead")
        door.allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], [store.stream_arn])
        door.allow(["dynamodb:ListStreams"], [f"{store.table_arn}/stream/*"], wildcards=_STREAMS)
        lambda_.EventSourceMapping(
            self,
            "Source",
            target=door.function,
            event_source_arn=store.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            max_batching_window=Duration.seconds(5),
            filters=[lambda_.FilterCriteria.filter(EXPIRED_HEADS), lambda_.FilterCriteria.filter(REMAINS)],
            report_batch_item_failures=True,
            bisect_batch_on_error=True,
            retry_attempts=_RETRIES,
            max_record_age=Duration.hours(_HOURS),
            on_failure=sources.SqsDlq(self.dead),
        ).node.add_dependency(door.role)
