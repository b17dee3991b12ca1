"""The WebSocket API: one door for whatever comes, and the right to answer a connection."""

from aws_cdk import Aws
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.acknowledged import acknowledge, acknowledge_wildcards
from infra.constructs.door import Door
from infra.deployment import Access, Deployment

_STAGE = "v1"
_NO_ACCESS_LOGS = "They take a role that is set for the whole account; the door logs every message itself."
_UNSIGNED: dict[Access, str] = {
    "iam": "Checked when they connect; nobody else can speak on a connection.",
    "jwt": "The door checks the token when they connect; nobody else can speak on a connection.",
    "none": "allow_unauthenticated: true asks for it, by name",
}


class WebSocketApi(Construct):
    """Who comes is checked once, when they connect: by API Gateway under IAM, by the door where tokens are used."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment, door: Door) -> None:
        super().__init__(scope, id)
        signed = authorizers.WebSocketIamAuthorizer() if deployment.access == "iam" else None
        self._api = gateway.WebSocketApi(
            self,
            "Api",
            api_name=f"{deployment.settings.prefix}-websocket",
            connect_route_options=gateway.WebSocketRouteOptions(integration=_to(door, "Connecting"), authorizer=signed),
            disconnect_route_options=gateway.WebSocketRouteOptions(integration=_to(door, "Leaving")),
            default_route_options=gateway.WebSocketRouteOptions(integration=_to(door, "Speaking")),
        )
        wanted = deployment.settings.api
        self._stage = gateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self._api,
            stage_name=_STAGE,
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(rate_limit=wanted.rate, burst_limit=wanted.burst),
        )
        self.url = self._stage.url
        self._acknowledge(deployment.access)

    def allow_answering(self, *roles: iam.Role) -> None:
        """As a policy of this stack: the roles of others need not know of it."""
        connections = f"arn:{Aws.PARTITION}:execute-api:{Aws.REGION}:{Aws.ACCOUNT_ID}:{self._api.api_id}/{_STAGE}"
        resources = [f"{connections}/{method}/@connections/*" for method in ("DELETE", "POST")]
        statement = iam.PolicyStatement(actions=["execute-api:ManageConnections"], resources=resources)
        policy = iam.Policy(self, "Answering", statements=[statement], roles=list(roles))
        acknowledge_wildcards(policy, resources, "A connection's name is not known before it comes.")

    def _acknowledge(self, access: Access) -> None:
        acknowledge(self._stage, "APIG1", _NO_ACCESS_LOGS)
        for route in self._api.node.children:
            if isinstance(route, gateway.WebSocketRoute) and (access != "iam" or route.route_key != "$connect"):
                acknowledge(route, "APIG4", _UNSIGNED[access])


def _to(door: Door, id: str) -> integrations.WebSocketLambdaIntegration:
    return integrations.WebSocketLambdaIntegration(id, door.function)
