"""The local tools of SAM find in samplesconfig.toml and in the templates what they are to run."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import pytest

from infra.constructs.routes import routes
from tests.functions.local_aws import environment
from tests.functions.samples_expected import CONFIG, ROOT, samples
from tests.infra.cloud import Cloud

SAMPLES = samples()
VENV = Path(os.environ.get("SESSIONFUL_TEST_SAM") or ROOT / ".venv" / "tools" / "sam")
PYTHON = VENV / "bin" / "python"

needs_sam = pytest.mark.skipif(not PYTHON.exists(), reason=f"SAM is not installed (pip install aws-sam-cli, in {VENV})")

# The parameters that a command of SAM has once it has read the file, and those in the file that it does not know.
READ = """
import json, sys
from pathlib import Path
import click
from samcli.commands.local.local import cli as local
from samcli.lib.config.samconfig import SamConfig

verb, environment = sys.argv[1:]
above = click.Context(local, info_name="local", parent=click.Context(click.Group(), info_name="sam"))
command = local.get_command(above, verb)
line = ["--config-file", "samplesconfig.toml", "--config-env", environment]
read = command.make_context(verb, line, parent=above).params
written = SamConfig(Path.cwd(), "samplesconfig.toml").get_all(["local", verb], "parameters", environment)
print(json.dumps({"read": read, "unknown": sorted(set(written) - {one.name for one in command.params})}, default=str))
"""


@pytest.fixture
def open_cloud(clouds: Mapping[str, Cloud]) -> Cloud:
    return clouds["open"]


@pytest.fixture
def checkout(open_cloud: Cloud, tmp_path: Path) -> Path:
    """Where SAM is called: with the samples, the templates, and the file that local AWS writes."""
    copy(CONFIG, tmp_path)
    copytree(ROOT / "events", tmp_path / "events")
    copytree(open_cloud.folder, tmp_path / "infra" / "cdk.out")
    (tmp_path / "infra" / ".build").mkdir()
    (tmp_path / "infra" / ".build" / "local_aws.json").write_text("{}")
    return tmp_path


def read_by_sam(checkout: Path, verb: str, environment: str) -> dict[str, Any]:
    """Of `sam local`."""
    done = subprocess.run(
        [str(PYTHON), "-c", READ, verb, environment],
        cwd=checkout,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "HOME": str(checkout)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["unknown"] == []
    read: dict[str, Any] = told["read"]
    return read


@needs_sam
@pytest.mark.parametrize("name", ["sessions_create", "stream_message", "websocket_connect"])
def test_sam_reads_of_a_sample_what_it_is_to_invoke(name: str, checkout: Path) -> None:
    wanted, read = SAMPLES[name].parameters, read_by_sam(checkout, "invoke", name)
    assert read["function_logical_id"] == wanted["function_logical_id"]
    assert (checkout / read["event"]).samefile(checkout / wanted["event"])
    assert (checkout / read["template_file"]).samefile(checkout / wanted["template_file"])
    assert (checkout / read["env_vars"]).exists()
    assert read["add_host"]["host.docker.internal"] == "host-gateway"


@needs_sam
def test_sam_reads_what_its_local_api_is_to_serve(checkout: Path) -> None:
    read = read_by_sam(checkout, "start-api", "default")
    assert (checkout / read["template_file"]).samefile(checkout / "infra/cdk.out/sessionful-open-service.template.json")
    assert (str(read["port"]), read["warm_containers"]) == ("3000", "LAZY")


def test_all_samples_are_written_as_those_that_sam_has_read() -> None:
    assert {tuple(sorted(sample.parameters)) for sample in SAMPLES.values()} == {
        ("add_host", "env_vars", "event", "function_logical_id", "region", "template_file")
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_names_a_function_that_its_template_has(name: str, open_cloud: Cloud) -> None:
    parameters = SAMPLES[name].parameters
    template = json.loads((open_cloud.folder / Path(parameters["template_file"]).name).read_text())
    function = template["Resources"][parameters["function_logical_id"]]
    assert function["Type"] == "AWS::Lambda::Function"
    assert "aws:asset:path" in function["Metadata"], "without it SAM finds no code"


@pytest.mark.parametrize("name", [name for name, one in SAMPLES.items() if one.door in ("sessions", "messages")])
def test_a_sample_goes_to_the_door_that_the_api_would_send_it_to(name: str) -> None:
    event = json.loads(SAMPLES[name].event)
    path = "/".join(
        event["pathParameters"][part[1:-1]] if part.startswith("{") else part
        for part in event["routeKey"].partition(" ")[2].split("/")
    )
    assert path == event["rawPath"] == event["requestContext"]["http"]["path"]
    assert {route.door for route in routes() if f"{route.method} {route.path}" == event["routeKey"]} == {
        SAMPLES[name].door
    }


def test_the_template_names_all_that_local_aws_tells_the_doors(open_cloud: Cloud) -> None:
    """SAM hands on no variable that a function does not have, and says nothing of it."""
    told = set(environment("http://127.0.0.1:4566"))
    named = set(open_cloud.function("messages")["Environment"]["Variables"])
    assert told <= named
    assert told - {"SESSIONFUL_STREAM_URL"} <= set(open_cloud.function("websocket")["Environment"]["Variables"])
