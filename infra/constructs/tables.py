"""The two tables: sessions with its index of activity, and memories."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.settings import Settings

INDEX = "activity"


class Tables(Construct):
    """The keys are those that the package's DynamoDB store reads and writes."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(scope, id)
        self.sessions = _table(self, "Sessions", settings)
        self.sessions.add_global_secondary_index(
            index_name=INDEX,
            partition_key=_key("a"),
            sort_key=_key("m", dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            max_read_request_units=settings.table.max_read_units,
            max_write_request_units=settings.table.max_write_units,
        )
        self.memories = _table(self, "Memories", settings)


def _table(scope: Construct, id: str, settings: Settings) -> dynamodb.TableV2:
    """Without a name of its own: a table that was kept is never in the way of a new deployment."""
    table = dynamodb.TableV2(
        scope,
        id,
        partition_key=_key("pk"),
        sort_key=_key("sk"),
        time_to_live_attribute="ttl",
        dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        billing=dynamodb.Billing.on_demand(
            max_read_request_units=settings.table.max_read_units,
            max_write_request_units=settings.table.max_write_units,
        ),
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=settings.pitr
        ),
        deletion_protection=settings.keep_data,
        removal_policy=RemovalPolicy.RETAIN if settings.keep_data else RemovalPolicy.DESTROY,
    )
    if not settings.pitr:
        acknowledge(table, "DDB3", "pitr: false asks for no point-in-time recovery, by name")
    return table


def _key(name: str, kind: dynamodb.AttributeType = dynamodb.AttributeType.STRING) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=kind)
