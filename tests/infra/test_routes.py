"""What the HTTP API sends to a door, the door answers; and it sends everything that there is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.constructs.routes import routes
from sessionful.surfaces.http.app import create_app
from tests.infra.cloud import EXAMPLES, Cloud, text
from tests.surfaces.house import a_service

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "SESSIONFUL_ALARMS": "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/worker",
    "SESSIONFUL_AUTH": "iam",
    "SESSIONFUL_CONFIG": str(EXAMPLES / "iam.agents.yaml"),
    "SESSIONFUL_STORE": "dynamodb:sessions",
    "SESSIONFUL_STREAM_URL": "https://stream.example.com/",
}
_LIST = """
import json, functions.{door} as door
print(json.dumps([[method, route.path] for route in door.app.routes for method in route.methods]))
"""


def _answered(door: str) -> set[tuple[str, str]]:
    """What the door's application has routes for, in a process that is told what the door would be told."""
    done = subprocess.run(
        [sys.executable, "-c", _LIST.format(door=door)],
        env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'functions/layer/python'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {(method, path) for method, path in json.loads(done.stdout.splitlines()[-1]) if method != "HEAD"}


def test_every_route_of_the_application_is_one_of_the_api() -> None:
    app = create_app(a_service())
    there = {
        (method, route.path)  # type: ignore[attr-defined]
        for route in app.routes
        for method in route.methods  # type: ignore[attr-defined]
        if method != "HEAD"
    }
    assert there == {(route.method, route.path) for route in routes()}


@pytest.mark.parametrize("door", ["sessions", "messages"])
def test_a_door_answers_what_it_is_sent(door: str) -> None:
    sent = {(route.method, route.path) for route in routes() if route.door == door}
    assert sent <= _answered(door)


def test_a_route_of_the_template_leads_to_its_door(iam: Cloud) -> None:
    resources = iam.service["Resources"]
    led = {}
    for one in iam.all("ApiGatewayV2::Route"):
        name = text(one["Target"]).removeprefix("integrations/")
        if name in resources:
            uri = text(resources[name]["Properties"]["IntegrationUri"])
            led[one["RouteKey"]] = next(door for door in ("Sessions", "Messages") if f"{door}Function" in uri).lower()
    assert led == {f"{route.method} {route.path}": route.door for route in routes()}
    assert {
        resources[name]["Properties"]["PayloadFormatVersion"]
        for name in resources
        if "Integration" in resources[name]["Type"]
    } == {"2.0"}


def test_each_door_gets_one_permission_whatever_the_number_of_its_routes(iam: Cloud) -> None:
    """A function's policy holds 20 KB; with one statement a route it would be full."""
    permitted = [text(one["FunctionName"]) for one in iam.all("Lambda::Permission")]
    assert sorted(name for name in permitted if "Websocket" not in name) == [
        "MessagesFunction.Arn",
        "SessionsFunction.Arn",
    ]
