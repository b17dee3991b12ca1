"""The bucket for what is too large for the table."""

from typing import cast

from aws_cdk import CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.settings import Settings

_EMPTYING = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


class Objects(Construct):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
            removal_policy=RemovalPolicy.RETAIN if settings.keep_data else RemovalPolicy.DESTROY,
            auto_delete_objects=not settings.keep_data,
        )
        acknowledge(self.bucket, "S1", "Only the doors get at it, on requests that they log themselves.")
        if not settings.keep_data:
            _keep_no_logs(Stack.of(self))


def _keep_no_logs(stack: Stack) -> None:
    """The function that empties the bucket would make a log group that outlives the stack: it gets one of the stack's,
    and the right to write to that one only."""
    provider = stack.node.find_child(_EMPTYING)
    group = logs.LogGroup(
        stack, "EmptyingLogs", retention=logs.RetentionDays.ONE_DAY, removal_policy=RemovalPolicy.DESTROY
    )
    function, role = (cast(CfnResource, provider.node.find_child(name)) for name in ("Handler", "Role"))
    function.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
    role.add_property_deletion_override("ManagedPolicyArns")
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": group.log_group_arn,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role.add_property_override("Policies", [{"PolicyName": "logs", "PolicyDocument": document}])
