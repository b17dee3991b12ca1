"""Which models of Bedrock a door may call: the configured ones."""

import re
from typing import NamedTuple

from aws_cdk import Aws

from infra.constructs.door import Door
from infra.deployment import BedrockModel

_CALL = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]

# What an inference profile's id begins with, where a model's begins with its maker.
_GEOGRAPHIES = {"global", "us", "us-gov", "eu", "apac", "jp", "au", "ca"}

# A profile's destinations are Bedrock's to choose, and grow without notice. Nothing is lost by naming them all, because
# the model is allowed by way of the profile only.
_ANY_REGION = "*"


_BY_PROFILE = "Only by way of the one inference profile, which chooses the region."


class Allowed(NamedTuple):
    """Resources that may be called; `through`: by way of this inference profile only."""

    resources: list[str]
    through: str | None = None


def allow_models(door: Door, models: tuple[BedrockModel, ...], more: tuple[str, ...]) -> None:
    """`more`: further ARNs."""
    for model in models:
        for allowed in resources_of(model):
            only = {"ArnEquals": {"bedrock:InferenceProfileArn": allowed.through}} if allowed.through else None
            door.allow(_CALL, allowed.resources, only, wildcards=_BY_PROFILE)
    if more:
        door.allow(_CALL, list(more))


def resources_of(model: BedrockModel) -> list[Allowed]:
    """Of a model its ARN. Of a profile its own, and the model's wherever the profile sends the request."""
    if model.id.startswith("arn:"):
        return _of_arn(model.id)
    region = model.region or Aws.REGION
    geography, _, rest = model.id.partition(".")
    if geography not in _GEOGRAPHIES:
        return [Allowed([_model_arn(region, model.id)])]
    profile = f"arn:{Aws.PARTITION}:bedrock:{region}:{Aws.ACCOUNT_ID}:inference-profile/{model.id}"
    return [Allowed([profile]), Allowed([_model_arn(_ANY_REGION, rest)], through=profile)]


def _of_arn(arn: str) -> list[Allowed]:
    profile = re.fullmatch(r"arn:[\w-]+:bedrock:[\w-]+:\d+:inference-profile/[\w-]+\.(.+)", arn)
    if profile is None:
        return [Allowed([arn])]
    return [Allowed([arn]), Allowed([_model_arn(_ANY_REGION, profile[1])], through=arn)]


def _model_arn(region: str, model: str) -> str:
    return f"arn:{Aws.PARTITION}:bedrock:{region}::foundation-model/{model}"
