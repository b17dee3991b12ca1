"""The Function URL of the streaming door, which runs as a web server under the Lambda Web Adapter."""

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.door import Door, House
from infra.deployment import Access

_PORT = "8000"

# Published by AWS for every region: https://github.com/aws/aws-lambda-web-adapter
_ADAPTERS = {"arm64": "LambdaAdapterLayerArm64:30", "x86_64": "LambdaAdapterLayerX86:30"}

_ENVIRONMENT: Mapping[str, str] = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_PORT": _PORT,
    "AWS_LWA_READINESS_CHECK_PATH": "/health",
    "PORT": _PORT,
}


class StreamUrl(Construct):
    """Under IAM Lambda checks the signature. Else the application checks the token, or nobody does, as asked for.
    Web origins are the application's matter: what both of them answered, a browser would refuse."""

    def __init__(self, scope: Construct, id: str, house: House, access: Access) -> None:
        super().__init__(scope, id)
        settings = house.settings
        published = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:753240598075:layer:{_ADAPTERS[settings.architecture]}"
        adapter = lambda_.LayerVersion.from_layer_version_arn(self, "Adapter", settings.adapter_layer_arn or published)
        self.door = Door(
            self, "stream", house, handler="functions/stream.sh", environment=_ENVIRONMENT, layers=[adapter]
        )
        url = self.door.function.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM if access == "iam" else lambda_.FunctionUrlAuthType.NONE,
            invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM,
        )
        self.url = url.url
