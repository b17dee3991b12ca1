"""What each role may do, and nothing else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.cloud import DOORS, Cloud, listed, text

_ROOT = Path(__file__).parents[2]
_STORE = _ROOT / "functions/layer/python/sessionful/stores/dynamodb"
_ON_ITEMS = {"BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}
_ASKED = ("sessions", "messages", "stream", "websocket", "worker")
_CARRYING = ("messages", "stream", "worker")

# What is told of a role by its door, without the DynamoDB and S3 that all have.
_MORE = {
    "sessions": {"sqs:SendMessage"},
    "messages": {"sqs:SendMessage", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"},
    "stream": {"sqs:SendMessage", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"},
    "websocket": {"sqs:SendMessage", "execute-api:ManageConnections"},
    "worker": {
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "bedrock:InvokeModel",
        "bedrock:InvokeModelWithResponseStream",
        "execute-api:ManageConnections",
    },
    "curator": {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "sqs:SendMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
    },
}
_EVERY = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}


@pytest.mark.parametrize("door", DOORS)
def test_a_doors_actions_are_exactly_these(door: str, iam: Cloud) -> None:
    actions = {action for statement in iam.rights(door) for action in listed(statement["Action"])}
    store = {f"dynamodb:{action}" for action in _ON_ITEMS} | {"s3:GetObject", "s3:DeleteObject", "s3:ListBucket"}
    writing = {"s3:PutObject"} if door in _ASKED else set()
    assert actions == _EVERY | store | writing | _MORE[door]


@pytest.mark.parametrize("door", _ASKED)
def test_two_tables_an_index_and_a_folder_of_the_bucket_are_reached(door: str, iam: Cloud) -> None:
    allowed = iam.allowed(door, "dynamodb")
    memories, table = sorted(allowed["dynamodb:PutItem"])
    assert "TablesMemories" in memories and "TablesSessions" in table
    assert allowed["dynamodb:Query"] == {memories, table, f"{table}/index/activity"}
    assert all(resources == {memories, table} for action, resources in allowed.items() if action != "dynamodb:Query")
    objects = iam.allowed(door, "s3")
    (folder,) = objects["s3:PutObject"]
    assert re.fullmatch(r"sessionful-data:\w+Bucket\w+Arn\w+/sessionful-data:\w+TablesSessions\w+/\*", folder)
    assert objects["s3:GetObject"] == objects["s3:DeleteObject"] == {folder}


def test_every_request_of_the_store_is_allowed_to_those_who_open_it(iam: Cloud) -> None:
    """Read off the store's own source: a request that it begins to make shows up here."""
    source = "".join(file.read_text() for file in _STORE.glob("*.py"))
    requests = set(re.findall(r"calls\.call\(\s*\"(\w+)\"", source))
    assert {"get_item", "query", "transact_write_items"} <= requests
    needed = {"".join(word.capitalize() for word in request.split("_")) for request in requests}
    for door in DOORS:
        allowed = {action.partition(":")[2] for action in iam.allowed(door, "dynamodb")}
        # A transaction is allowed by its parts.
        assert needed - {"TransactWriteItems"} <= allowed
        assert {"PutItem", "UpdateItem", "DeleteItem"} <= allowed


def test_no_action_is_a_wildcard(cloud: Cloud) -> None:
    policies = [policy["PolicyDocument"] for policy in cloud.all("IAM::Policy")]
    policies += [inline["PolicyDocument"] for role in cloud.all("IAM::Role") for inline in role.get("Policies", [])]
    actions = [action for policy in policies for one in policy["Statement"] for action in listed(one["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]
    assert not [role for role in cloud.all("IAM::Role") if "ManagedPolicyArns" in role]


def test_the_only_resource_that_is_everything_is_x_rays(cloud: Cloud) -> None:
    for door in DOORS:
        everything = [one for one in cloud.rights(door) if "*" in listed(one["Resource"])]
        assert [one["Action"] for one in everything] == [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]]


@pytest.mark.parametrize("door", DOORS)
def test_a_door_writes_its_own_log_only(door: str, iam: Cloud) -> None:
    (group,) = iam.allowed(door, "logs")["logs:PutLogEvents"]
    assert group == f"{iam.function(door)['LoggingConfig']['LogGroup']['Ref']}.Arn"


@pytest.mark.parametrize("door", DOORS)
def test_a_secret_is_read_by_the_doors_that_call_models(door: str, clouds: Mapping[str, Cloud]) -> None:
    allowed = clouds["jwt"].allowed(door, "secretsmanager")
    if door not in (*_CARRYING, "curator"):
        assert allowed == {}
        return
    (secret,) = allowed["secretsmanager:GetSecretValue"]
    assert secret.endswith(":secret:sessionful/openai-??????")


def test_the_curator_reads_secrets_only_where_it_has_last_memories_stored(clouds: Mapping[str, Cloud]) -> None:
    assert clouds["jwt"].allowed("curator", "secretsmanager") == clouds["jwt"].allowed("worker", "secretsmanager")
    assert not clouds["iam"].allowed("curator", "bedrock")


def test_secrets_are_read_by_the_requests_that_are_allowed(clouds: Mapping[str, Cloud]) -> None:
    """Read off the doors' own source: to get one parameter and to get several are two different rights."""
    source = (_ROOT / "functions" / "opening" / "secrets.py").read_text()
    needed = {"".join(map(str.capitalize, name.split("_"))) for name in re.findall(r"client\.(get_\w+)\(", source)}
    allowed = {**clouds["jwt"].allowed("messages", "ssm"), **clouds["jwt"].allowed("messages", "secretsmanager")}
    assert {action.partition(":")[2] for action in allowed} == needed
    (parameter,) = allowed["ssm:GetParameters"]
    assert parameter.endswith(":parameter/sessionful/anthropic-key")


def test_a_secrets_value_is_in_no_template(clouds: Mapping[str, Cloud]) -> None:
    told = clouds["jwt"].function("messages")["Environment"]["Variables"]["SESSIONFUL_SECRETS"]
    assert json.loads(told) == {
        "OPENAI_API_KEY": "secretsmanager:sessionful/openai#api_key",
        "ANTHROPIC_API_KEY": "ssm:/sessionful/anthropic-key",
    }


def test_connections_are_answered_by_the_worker_and_the_websocket_door_of_this_api_only(iam: Cloud) -> None:
    for door in ("worker", "websocket"):
        resources = iam.allowed(door, "execute-api")["execute-api:ManageConnections"]
        assert {re.sub(r".*Api\w*/", "", one) for one in resources} == {
            "v1/POST/@connections/*",
            "v1/DELETE/@connections/*",
        }
    policies = [
        one["Properties"]
        for one in iam.websocket["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy" and "execute-api" in str(one)
    ]
    assert len(policies) == 1, "the right lies in the stack that has the API"
    assert any("sessionful-service" in text(role) for role in policies[0]["Roles"])
