"""The doors but the WebSocket's, and the ways to them."""

from aws_cdk import Aws, CfnOutput, Stack
from constructs import Construct

from infra.constructs.dashboard import Dashboard
from infra.constructs.door import Door, House
from infra.constructs.environment import environment
from infra.constructs.http_api import HttpApi
from infra.constructs.layers import Layers
from infra.constructs.model_access import allow_models
from infra.constructs.secret_access import allow_secrets
from infra.constructs.service_alarms import service_alarms
from infra.constructs.store_access import allow_sessions, allow_sweeping
from infra.constructs.stream_url import StreamUrl
from infra.constructs.table_stream import TableStream
from infra.constructs.worker_queue import WorkerQueue
from infra.deployment import Deployment
from infra.packaging import Assets
from infra.stacks.data import DataStack


class ServiceStack(Stack):
    """Only the doors that carry turns call models and read secrets; and the curator, where agents remember for long: it
    has the last memories of an expired session stored."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment, assets: Assets, data: DataStack) -> None:
        super().__init__(scope, id, description="sessionful: doors, HTTP API, Function URL and worker queue")
        self.add_stack_dependency(data)
        settings = deployment.settings
        self.queue = WorkerQueue(self, "WorkerQueue", settings)
        house = House(
            settings,
            assets.functions,
            Layers(self, "Layers", assets, settings).all,
            environment(deployment, data.store, self.queue.queue),
        )
        stream = StreamUrl(self, "Url", house, deployment.access)
        messages = Door(self, "messages", house, environment={"SESSIONFUL_STREAM_URL": stream.url})
        sessions, curator = Door(self, "sessions", house), Door(self, "curator", house)
        self.worker = Door(self, "worker", house)
        carrying = (messages, stream.door, self.worker)
        for door in (*carrying, *([curator] if deployment.remembers else [])):
            allow_models(door, deployment.models, settings.bedrock_resources)
            allow_secrets(door, settings.secrets)
        for door in (sessions, *carrying):
            self.queue.allow_setting(door)
            allow_sessions(door, data.store)
        allow_sweeping(curator, data.store)
        self.queue.wakes(self.worker)
        table_stream = TableStream(self, "Curating", data.store, curator)
        api = HttpApi(self, "Http", deployment, {"sessions": sessions, "messages": messages})
        doors = {"sessions": sessions, "messages": messages, "stream": stream.door, "worker": self.worker}
        self.alarms = service_alarms(self, settings, {**doors, "curator": curator}, api, self.queue, table_stream)
        if settings.dashboard:
            page = Dashboard(self, "Dashboard", f"{settings.prefix}-{Aws.REGION}")
            page.show_doors({**doors, "curator": curator})
            page.show_requests(api, data.store.table)
            page.show_work(self.queue, table_stream, curator)
        CfnOutput(self, "ApiUrl", value=api.api.api_endpoint)
        CfnOutput(self, "StreamUrl", value=stream.url)
