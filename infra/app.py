"""The CDK app: `python -m infra.app`, or what the CDK command runs.

Context: `deployment` is the settings' file, `agents` the agents' YAML instead of the one that it names.
"""

import os
import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.deployment import Deployment, load
from infra.packaging import Assets, PackagingError, assets
from infra.settings import DeploymentError
from infra.stacks.data import DataStack
from infra.stacks.service import ServiceStack
from infra.stacks.websocket import WebSocketStack

_HERE = Path(__file__).parent

# The two that `sam local` needs, which the CDK command sets by itself.
CONTEXT = {
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:enable-path-metadata": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
}


def new_app(outdir: str | None = None) -> App:
    app = App(analytics_reporting=False, outdir=outdir, context=CONTEXT)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def build(app: App, deployment: Deployment, uploads: Assets) -> tuple[DataStack, ServiceStack, WebSocketStack]:
    prefix = deployment.settings.prefix
    data = DataStack(app, f"{prefix}-data", deployment.settings)
    service = ServiceStack(app, f"{prefix}-service", deployment, uploads, data)
    return data, service, WebSocketStack(app, f"{prefix}-websocket", deployment, uploads, data, service)


def main() -> None:
    app = new_app(os.environ.get("CDK_OUTDIR") or str(_HERE / "cdk.out"))
    agents = app.node.try_get_context("agents")
    try:
        file = Path(app.node.try_get_context("deployment") or _HERE / "deployment.yaml")
        deployment = load(file, Path(agents) if agents else None)
        settings = deployment.settings
        build(app, deployment, assets(settings.agents, settings.secrets, settings.architecture))
    except (DeploymentError, PackagingError) as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
