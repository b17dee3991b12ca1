"""What holds for the stacks as a whole."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sqs as sqs

from infra.app import build, new_app
from infra.deployment import load
from infra.packaging import Assets
from tests.infra.cloud import DOORS, EXAMPLES, Cloud, text

# Nothing here is paid by the hour: each is free, or paid by request or by what it holds.
WITHOUT_HOURLY_PRICE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::GlobalTable",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "Custom::S3AutoDeleteObjects",
}


def test_nothing_is_paid_by_the_hour(cloud: Cloud) -> None:
    assert {resource["Type"] for resource in cloud.resources()} <= WITHOUT_HOURLY_PRICE
    # The same types could still be ordered with capacity that is paid whether it is used or not.
    ordered = json.dumps(list(cloud.resources()))
    for word in (
        "ProvisionedConcurrency",
        "ProvisionedThroughput",
        "ProvisionedPollerConfig",
        "WarmThroughput",
        "VpcConfig",
    ):
        assert word not in ordered
    assert {table["BillingMode"] for table in cloud.all("DynamoDB::GlobalTable")} == {"PAY_PER_REQUEST"}


def test_a_stack_looks_only_at_those_before_it(iam: Cloud) -> None:
    looked_at = [
        {
            name
            for name in ("data", "service", "websocket")
            if f"sessionful-{name}:" in json.dumps(template["Resources"])
        }
        for template in iam.templates
    ]
    assert looked_at == [set(), {"data"}, {"data", "service"}]


def test_what_another_stack_imports_does_not_change_with_every_deployment(cloud: Cloud) -> None:
    """CloudFormation refuses to change an export that is in use. A layer's version has another ARN each time."""
    for template in cloud.templates:
        for output in template.get("Outputs", {}).values():
            name = text(output["Value"]).partition(".")[0]
            assert template["Resources"].get(name, {}).get("Type") != "AWS::Lambda::LayerVersion"


def test_stacks_are_for_any_account_and_region(cloud: Cloud) -> None:
    manifest = json.loads((cloud.folder / "manifest.json").read_text())["artifacts"].values()
    stacks = [one for one in manifest if one["type"] == "aws:cloudformation:stack"]
    assert {one["environment"] for one in stacks} == {"aws://unknown-account/unknown-region"}
    assert not re.search(r"arn:aws:[a-z]+:[a-z]+-[a-z]+-\d", json.dumps(cloud.templates))


@pytest.mark.parametrize("door", DOORS)
def test_a_door_can_be_found_and_started_locally(door: str, iam: Cloud) -> None:
    """`sam local` takes the folder of the code from the metadata, and the name from the logical id."""
    template = iam.websocket if door == "websocket" else iam.service
    function = template["Resources"][f"{door.capitalize()}Function"]
    assert (iam.folder / function["Metadata"]["aws:asset:path"]).is_dir()
    assert function["Metadata"]["aws:asset:property"] == "Code"
    assert function["Metadata"]["aws:cdk:path"].endswith("/Resource")
    layers = [template["Resources"][layer["Ref"]] for layer in function["Properties"]["Layers"] if "Ref" in layer]
    assert len(layers) == 3
    assert all((iam.folder / layer["Metadata"]["aws:asset:path"]).is_dir() for layer in layers)


def test_every_function_writes_to_a_group_that_ends_with_its_stack(cloud: Cloud) -> None:
    """A group that Lambda makes by itself stays for ever."""
    for template in cloud.templates:
        functions = [one for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
        for function in functions:
            group = template["Resources"][function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]
            assert group["Properties"]["RetentionInDays"] in (1, 14)
            assert group["DeletionPolicy"] == "Delete"


def test_an_unexplained_finding_of_cdk_nag_stops_everything(uploads: Assets, tmp_path: Path) -> None:
    """The shown deployments are clean: they were written. So the rules have to be in force."""
    app = new_app(str(tmp_path))
    build(app, load(EXAMPLES / "open.yaml"), uploads)
    sqs.Queue(Stack(app, "more"), "Queue")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = (tmp_path / "validation-report.json").read_text()
    assert "AwsSolutions-SQS3" in report and "AwsSolutions-SQS4" in report
    assert '"more/Queue/Resource"' in report and "sessionful-open-" not in report


def test_cfn_lint_finds_no_fault(cloud: Cloud) -> None:
    if importlib.util.find_spec("cfnlint") is None:
        pytest.skip("cfn-lint is not installed")
    # W3005 is about a DependsOn beside a GetAtt, which the CDK writes itself.
    lint = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--ignore-checks",
        "W3005",
        "--template",
        *map(str, cloud.files),
    ]
    done = subprocess.run(lint, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_addresses_are_told_at_the_end(cloud: Cloud) -> None:
    told = {name for template in cloud.templates for name in template["Outputs"] if not name.startswith("Exports")}
    assert told == {"ApiUrl", "StreamUrl", "WebSocketUrl", "SessionsTable", "MemoriesTable"}
