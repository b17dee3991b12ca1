"""The layers that all doors share: the core, what it depends on, and the agents' YAML."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.packaging import Assets
from infra.settings import Settings

RUNTIME = lambda_.Runtime.PYTHON_3_14


def architecture(settings: Settings) -> lambda_.Architecture:
    return lambda_.Architecture.custom(settings.architecture)


class Layers(Construct):
    """Each stack has its own of the same folders: a version changes its ARN, and what another stack imports must
    not."""

    def __init__(self, scope: Construct, id: str, assets: Assets, settings: Settings) -> None:
        super().__init__(scope, id)
        self._architecture = architecture(settings)
        self.all = [
            self._layer("Core", assets.core, "sessionful"),
            self._layer("Dependencies", assets.dependencies, "What sessionful depends on"),
            self._layer("Configuration", assets.configuration, "The agents"),
        ]

    def _layer(self, id: str, folder: Path, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id,
            code=lambda_.Code.from_asset(str(folder)),
            description=description,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[self._architecture],
        )
