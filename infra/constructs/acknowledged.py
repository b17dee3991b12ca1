"""Findings of cdk-nag that are meant to be so, each with its reason and at the one place that it is about."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct, IConstruct


def acknowledge(at: IConstruct, rule: str, reason: str) -> None:
    """`rule`: its name in the pack AwsSolutions, such as `SQS3`."""
    Validations.of(at).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def acknowledge_wildcards(at: Construct, resources: Sequence[str], reason: str) -> None:
    """Those of the resources of a policy that end, or have in them, a `*`."""
    for resource in resources:
        named = _named(Stack.of(at).resolve(resource))
        if "*" in named:
            acknowledge(at, f"IAM5[Resource::{named}]", reason)


def _named(resource: Any) -> str:
    """A resource as cdk-nag names it in a finding: references by what they refer to."""
    if isinstance(resource, str):
        return resource
    ((function, argument),) = resource.items()
    match function:
        case "Ref":
            return f"<{argument}>"
        case "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
        case "Fn::Join":
            separator, parts = argument
            return str(separator).join(_named(part) for part in parts)
        case _:
            return str(argument)
