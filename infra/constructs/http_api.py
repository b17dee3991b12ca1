"""The HTTP API: explicit routes, and one authorizer for all of them."""

import json
from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.door import RETENTION, Door
from infra.constructs.routes import routes
from infra.deployment import Deployment

_ASKED = ["Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Last-Event-ID", "X-Request-Id"]
_SIGNED = ["X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token"]
_TOLD = ["ETag", "Location", "Retry-After", "X-Request-Id", "X-Session-Id", "X-Turn-Id"]
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LOGGED = {
    "requestId": "$context.requestId",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.error.messageString",
    "integrationStatus": "$context.integration.status",
    "latencyMs": "$context.responseLatency",
    "sourceIp": "$context.identity.sourceIp",
}


class HttpApi(Construct):
    """`doors`: by name, those that the routes lead to."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment, doors: Mapping[str, Door]) -> None:
        super().__init__(scope, id)
        self.api = gateway.HttpApi(
            self,
            "Api",
            api_name=deployment.settings.prefix,
            create_default_stage=False,
            default_authorizer=_authorizer(deployment),
            cors_preflight=_cors(deployment.settings.origins),
        )
        self.stage = self._stage(deployment)
        # One permission for a door instead of one for a route: together those could outgrow what a function may have.
        led_to = {
            name: integrations.HttpLambdaIntegration(name, door.function, scope_permission_to_route=False)
            for name, door in doors.items()
        }
        for route in routes():
            (added,) = self.api.add_routes(
                path=route.path, methods=[gateway.HttpMethod[route.method]], integration=led_to[route.door]
            )
            if deployment.access == "none":
                acknowledge(added, "APIG4", "allow_unauthenticated: true asks for it, by name")

    def _stage(self, deployment: Deployment) -> gateway.HttpStage:
        group = logs.LogGroup(
            self,
            "Logs",
            retention=RETENTION[deployment.settings.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        wanted = deployment.settings.api
        stage = gateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(rate_limit=wanted.rate, burst_limit=wanted.burst),
        )
        cast(
            gateway.CfnStage, stage.node.default_child
        ).access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=json.dumps(_LOGGED)
        )
        return stage


def _authorizer(deployment: Deployment) -> gateway.IHttpRouteAuthorizer:
    if deployment.issuer is not None:
        return authorizers.HttpJwtAuthorizer(
            "Tokens", jwt_issuer=deployment.issuer.url, jwt_audience=list(deployment.issuer.audience)
        )
    if deployment.access == "iam":
        return authorizers.HttpIamAuthorizer()
    return gateway.HttpNoneAuthorizer()


def _cors(origins: tuple[str, ...]) -> gateway.CorsPreflightOptions | None:
    """API Gateway answers the browsers' questions itself, without an authorizer."""
    if not origins:
        return None
    return gateway.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[gateway.CorsHttpMethod[method] for method in _METHODS],
        allow_headers=[*_ASKED, *_SIGNED],
        expose_headers=_TOLD,
        max_age=Duration.minutes(10),
    )
