"""What must not be lost: the tables and the bucket."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.objects import Objects
from infra.constructs.store import exported
from infra.constructs.tables import Tables
from infra.settings import Settings


class DataStack(Stack):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(scope, id, description="sessionful: tables and bucket")
        tables = Tables(self, "Tables", settings)
        objects = Objects(self, "Objects", settings)
        self.store = exported(self, tables.sessions, objects.bucket, tables.memories)
        CfnOutput(self, "SessionsTable", value=tables.sessions.table_name)
        CfnOutput(self, "MemoriesTable", value=tables.memories.table_name)
