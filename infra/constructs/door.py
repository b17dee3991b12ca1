"""A door: one function with its role and its log group."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledged import acknowledge, acknowledge_wildcards
from infra.constructs.layers import RUNTIME, architecture
from infra.settings import LongDoor, Settings, WebDoor


class House(NamedTuple):
    """What all the doors of a stack have in common. `code` is the folder of the doors."""

    settings: Settings
    code: Path
    layers: Sequence[lambda_.ILayerVersion]
    environment: Mapping[str, str]


class Door(Construct):
    """`name` is its file's in `functions/`. The function's logical id is `NameFunction`, and stays so: the local
    invocations name it."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        house: House,
        *,
        handler: str | None = None,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
    ) -> None:
        super().__init__(scope, name.capitalize())
        size: WebDoor | LongDoor = getattr(house.settings.doors, name)
        days = house.settings.log_retention_days
        self.logs = logs.LogGroup(self, "Logs", retention=RETENTION[days], removal_policy=RemovalPolicy.DESTROY)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [self.logs.log_group_arn])
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            architecture=architecture(house.settings),
            code=lambda_.Code.from_asset(str(house.code)),
            handler=handler or f"functions.{name}.handler",
            layers=[*house.layers, *layers],
            role=self.role,
            log_group=self.logs,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=size.memory_mb,
            timeout=Duration.seconds(size.timeout),
            environment={**house.environment, **(environment or {})},
        )
        cast(lambda_.CfnFunction, self.function.node.default_child).override_logical_id(f"{name.capitalize()}Function")
        acknowledge(self.role, "IAM5[Resource::*]", "X-Ray's two actions know no resource.")

    def allow(
        self,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Mapping[str, object] | None = None,
        wildcards: str | None = None,
    ) -> None:
        """`wildcards`: why there is a `*` in the resources."""
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions))
        if wildcards is not None:
            acknowledge_wildcards(self.role, resources, wildcards)


RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
}
