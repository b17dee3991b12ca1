"""The WebSocket API and its door: a stack of its own, because the local API server of SAM reads no WebSocket routes."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.alarms import Alarms, total
from infra.constructs.door import Door, House
from infra.constructs.environment import environment
from infra.constructs.layers import Layers
from infra.constructs.store_access import allow_sessions
from infra.constructs.websocket_api import WebSocketApi
from infra.deployment import Deployment
from infra.packaging import Assets
from infra.stacks.data import DataStack
from infra.stacks.service import ServiceStack


class WebSocketStack(Stack):
    def __init__(
        self, scope: Construct, id: str, deployment: Deployment, assets: Assets, data: DataStack, service: ServiceStack
    ) -> None:
        super().__init__(scope, id, description="sessionful: WebSocket API")
        self.add_stack_dependency(data)
        settings = deployment.settings
        told = environment(deployment, data.store, service.queue.queue)
        layers = Layers(self, "Layers", assets, settings).all
        door = Door(self, "websocket", House(settings, assets.functions, layers, told))
        allow_sessions(door, data.store)
        service.queue.allow_setting(door)
        api = WebSocketApi(self, "Api", deployment, door)
        api.allow_answering(door.role, service.worker.role)
        alarms = Alarms(self, "Alarms", settings, service.alarms.topic)
        alarms.above(
            "Errors", total(door.function.metric_errors()), 0, 1, "The WebSocket door failed or ran out of time."
        )
        CfnOutput(self, "WebSocketUrl", value=api.url)
