"""Which secrets a door may read: exactly those that the deployment names."""

from collections.abc import Mapping

from aws_cdk import Aws

from infra.constructs.door import Door


def allow_secrets(door: Door, secrets: Mapping[str, str]) -> None:
    references = [reference.partition(":") for reference in secrets.values()]
    parameters = sorted({_parameter(name) for kind, _, name in references if kind == "ssm"})
    held = sorted({_secret(name.partition("#")[0]) for kind, _, name in references if kind == "secretsmanager"})
    if parameters:
        door.allow(["ssm:GetParameters"], parameters)
    if held:
        door.allow(["secretsmanager:GetSecretValue"], held)


def _parameter(name: str) -> str:
    return f"arn:{Aws.PARTITION}:ssm:{Aws.REGION}:{Aws.ACCOUNT_ID}:parameter/{name.removeprefix('/')}"


def _secret(id: str) -> str:
    """Secrets Manager adds six characters to a name, which whoever only knows the name cannot know."""
    if id.startswith("arn:"):
        return id
    return f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:{id}-??????"
