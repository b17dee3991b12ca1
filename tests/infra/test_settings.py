"""What is wrong with a deployment's files is said plainly, and before anything is built."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.deployment import load
from infra.settings import DeploymentError, Settings, read_settings
from tests.infra.cloud import EXAMPLES

_ROOT = Path(__file__).parents[2]


def test_what_the_default_file_shows_are_the_defaults() -> None:
    shown = read_settings(_ROOT / "infra" / "deployment.yaml")
    assert shown == Settings(agents=shown.agents)
    assert shown.agents == EXAMPLES / "iam.agents.yaml"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("keep_dta: true", "keep_dta: unknown key; did you mean 'keep_data'?"),
        ("doors: {stream: {memory: 512}}", "doors.stream.memory: unknown key; did you mean 'memory_mb'?"),
        ("api: {requests: 5}", "api.requests: unknown key; known are rate, burst"),
        ("keep_data: 1", "keep_data: Input should be a valid boolean"),
        ("doors: {messages: {timeout: 60}}", "doors.messages.timeout: Input should be less than or equal to 29"),
        ("doors: {stream: {timeout: 1000}}", "doors.stream.timeout: Input should be less than or equal to 900"),
        ("iam_owner: everybody", "iam_owner: Input should be 'caller' or 'role'"),
        ("log_retention_days: 10", "log_retention_days: Input should be 1, 3, 5"),
        ("architecture: arm", "architecture: Input should be 'arm64' or 'x86_64'"),
        ("worker_max_concurrency: 1", "worker_max_concurrency: Input should be greater than or equal to 2"),
        ("origins: [app.example.com]", "origins: 'app.example.com' is no origin such as https://app.example.com"),
        ("origins: [https://app.example.com/]", "is no origin"),
        ("prefix: My_Stack", "prefix: String should match pattern"),
        ("secrets: {KEY: sk-proj-1}", "secrets: KEY should be ssm:/name, secretsmanager:ID or secretsmanager:ID#key"),
        ("secrets: {A KEY: ssm:/a}", "secrets: 'A KEY' is no name of an environment variable"),
        ("{alarm_email: a@b.de, alarm_topic_arn: 'arn:aws:sns:eu-west-1:1:a'}", "write one of them"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(line: str, told: str, settings_file: Path) -> None:
    braced = line.startswith("{")
    settings_file.write_text(f"{{agents: agents.yaml, {line[1:]}" if braced else f"agents: agents.yaml\n{line}\n")
    with pytest.raises(DeploymentError) as raised:
        load(settings_file)
    assert told in str(raised.value)
    assert str(settings_file) in str(raised.value)
    assert "sk-proj-1" not in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(settings_file: Path) -> None:
    settings_file.write_text("agent: agents.yaml\nkeep_data: perhaps\n")
    with pytest.raises(DeploymentError) as raised:
        load(settings_file)
    assert [line.partition(": ")[2].partition(":")[0] for line in str(raised.value).splitlines()] == [
        "agents",
        "keep_data",
        "agent",
    ]


@pytest.mark.parametrize(
    ("agents", "told"),
    [
        ("auth: {}\n", "auth.issuer is missing"),
        ("auth:\n", "auth.issuer is missing"),
        ("auth: {issuer: 'https://a.example.com'}\n", "auth.audience is missing"),
        ("auth: {issuer: 'http://a.example.com', audience: b}\n", "takes an https:// address"),
        ("auth: {issuer: '${ISSUER}', audience: b}\n", "auth.issuer: write it out: the stacks cannot know ${ISSUER}"),
        ("llms: {main: {type: bedrock}}\n", "llms.main.model is missing"),
        ("llms: {main: {type: bedrock, model: '${MODEL}'}}\n", "llms.main.model: write it out"),
        ("- a list\n", "should be a mapping"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_what_the_stacks_need_of_the_agents_file_has_to_be_there(agents: str, told: str, settings_file: Path) -> None:
    settings_file.with_name("agents.yaml").write_text(agents)
    with pytest.raises(DeploymentError) as raised:
        load(settings_file)
    assert told in str(raised.value)
    assert "agents.yaml" in str(raised.value)


def test_nobody_is_let_in_unasked_unless_that_is_said(settings_file: Path) -> None:
    assert load(settings_file).access == "iam"
    settings_file.write_text("agents: agents.yaml\nallow_unauthenticated: true\n")
    assert load(settings_file).access == "none"
    settings_file.with_name("agents.yaml").write_text("auth: {issuer: 'https://a.example.com', audience: [b, c]}\n")
    with pytest.raises(DeploymentError, match="allow_unauthenticated contradicts the block 'auth'"):
        load(settings_file)
    settings_file.write_text("agents: agents.yaml\n")
    assert load(settings_file).issuer == ("https://a.example.com", ("b", "c"))


def test_other_agents_can_be_deployed_with_the_same_settings(settings_file: Path) -> None:
    assert load(settings_file, EXAMPLES / "jwt.agents.yaml").access == "jwt"


def test_the_app_says_it_in_lines_and_not_in_a_traceback(settings_file: Path) -> None:
    settings_file.write_text("agents: agents.yaml\nkeep_dta: true\n")
    context = f'{{"deployment": "{settings_file}"}}'
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=_ROOT,
        env={"CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(settings_file.parent / "out")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == f"{settings_file}: keep_dta: unknown key; did you mean 'keep_data'?\n"
    assert done.stdout == ""
