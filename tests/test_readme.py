"""Every command of the README, run as it is printed there: only the port, the store and the working folder differ.

`make run` needs the environment that `make test` has made; `make test` is what runs this. Without it, say so.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra import node
from sessionful import config
from tests.sdk.openai_server import openai_server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(name: str) -> str:
    found = re.search(rf"<!-- \w+: {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


def test_every_block_of_code_is_run_by_a_test() -> None:
    blocks = re.findall(r"(<!-- (?:test|account|docker): [^>]+ -->\n)?```(\w+)\n(.*?)```", README, re.DOTALL)
    unmarked = [text.strip() for mark, _, text in blocks if not mark]
    assert unmarked == ["make run", "make test"]


class Server:
    """`make run`, in a process group of its own so that a kill takes the whole of it."""

    def __init__(self, store: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {**os.environ, "SESSIONFUL_STORE": str(store)}
        self.environment.pop("SESSIONFUL_MODEL", None)
        self.environment.pop("PYTHONPATH", None)

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["make", "run", f"ARGS=--port {self.port}"],
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/health").status_code == 200:
                    return
            assert self.process.poll() is None, self.process.stdout and self.process.stdout.read()
            time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()

    def popen(self, commands: str) -> "subprocess.Popen[bytes]":
        """A block that goes on in the background."""
        return subprocess.Popen(["bash", "-ec", self._here(commands)], cwd=ROOT, env=self.environment)

    def run(self, commands: str) -> list[str]:
        """The output of each command of a block."""
        outputs = []
        for command in filter(str.strip, self._here(commands).splitlines()):
            done = subprocess.run(
                ["bash", "-ec", command], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            outputs.append(done.stdout)
        return outputs

    def _here(self, commands: str) -> str:
        return commands.replace("localhost:8080", f"127.0.0.1:{self.port}").replace("\\\n", " ")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Starts servers over one file; each is killed at the end."""
    if not (ROOT / ".venv" / ".runtime").exists():
        pytest.skip("needs the environment that `make test` sets up (.venv)")
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(tmp_path / "sessions.db"))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


def test_a_conversation_survives_the_kill_as_the_readme_says(servers: Callable[[], Server]) -> None:
    server = servers()
    created, answered, streamed = server.run(block("survives"))
    assert json.loads(created)["session_id"] == "trip"
    first = json.loads(answered)
    assert first["response"]
    assert streamed.rstrip().endswith("data: [DONE]")
    assert streamed.count('"chunk"') > 3

    server.kill()
    server.start()

    history, answered = server.run(block("after the kill"))
    roles = [message["role"] for message in json.loads(history)["messages"]]
    assert roles == ["user", "assistant", "user", "assistant"]
    # What so small a model says is its own affair; that it was shown the whole conversation is ours.
    assert json.loads(answered)["usage"]["input_tokens"] > first["usage"]["input_tokens"] + 20

    called, listed, shown, replayed = server.run(block("command line"))
    assert called.strip()
    assert "trip" in listed
    assert "capital of France" in shown
    assert "4 turns: 4 run again, 0 only checked, 0 different" in replayed


def test_an_answer_survives_its_server_as_the_readme_says(servers: Callable[[], Server], tmp_path: Path) -> None:
    first, second, told = servers(), servers(), tmp_path / "told.txt"
    url = f"http://127.0.0.1:{second.port}/agents/assistant/sessions"
    httpx.post(url, json={"session_id": "trip"})
    listening = first.popen(block("the first server").replace("/tmp/told.txt", str(told)))
    while not told.exists() or told.read_text().count('"chunk"') < 5:
        assert listening.poll() is None, "the answer was over before it could be torn"
        time.sleep(0.05)
    first.kill()
    listening.wait(10)

    (rest,) = second.run(block("the second server").replace("/tmp/told.txt", str(told)).replace("8081", "8080"))
    text = ""
    for name, data in re.findall(r"(?:event: (\w+)\n)?data: (.*)\n", told.read_text() + rest):
        if name == "superseded":
            text = text[: json.loads(data)["keep"]]
        elif data != "[DONE]":
            text += json.loads(data)["chunk"]
    assert "event: superseded" in rest
    assert rest.rstrip().endswith("data: [DONE]")
    assert text == httpx.get(f"{url}/trip/messages").json()["messages"][-1]["text"]


def test_a_browser_talks_on_a_socket_as_the_readme_says(servers: Callable[[], Server]) -> None:
    server = servers()
    started_by = node.command("node")
    if started_by is None:
        pytest.skip("needs Node")
    script = block("websocket").replace("localhost:8080", f"127.0.0.1:{server.port}")
    said = subprocess.run([*started_by, "-e", script], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    stored = httpx.get(f"http://127.0.0.1:{server.port}/agents/assistant/sessions/physics/messages").json()["messages"]
    assert stored[-1]["text"] == said.stdout != ""


def test_the_tokens_issuer_is_configured_as_the_readme_says() -> None:
    auth = config.parse(block("auth"), {}).auth
    assert auth is not None
    assert (auth.issuer, auth.claim) == ("https://login.example.com/", "sub")


def test_the_agent_that_remembers_is_configured_as_the_readme_says() -> None:
    loaded = config.parse(block("memory"), {})
    longterm = loaded.agents["assistant"].memory.longterm
    assert longterm is not None and longterm.storage_scope == "conversational"
    assert loaded.embedder is not None
    assert not loaded.warnings()


def skip_without_npm(done: "subprocess.CompletedProcess[str]") -> None:
    if "npm cannot install" in done.stderr:
        pytest.skip("the CDK's command cannot be had from npm here")


def test_the_stacks_are_made_without_an_account(tmp_path: Path) -> None:
    """One of the three in full: the others differ in what tests/infra looks at, and take as long."""
    commands = block("synth").splitlines()
    assert [Path(line.partition("SETTINGS=")[2]).name for line in commands] == ["iam.yaml", "jwt.yaml", "open.yaml"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["bash", "-ec", commands[-1]], cwd=ROOT, env=outside, capture_output=True, text=True, timeout=300
    )
    skip_without_npm(done)
    assert done.returncode == 0, done.stderr
    assert "Successfully synthesized" in done.stdout + done.stderr


def test_a_deployment_needs_nothing_but_credentials(tmp_path: Path) -> None:
    """Without any it comes as far as asking for them."""
    (deploy,) = [line for line in block("deploy").splitlines() if line.startswith("make deploy")]
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["bash", "-ec", deploy], cwd=ROOT, env={**outside, **nobody}, capture_output=True, text=True, timeout=300
    )
    skip_without_npm(done)
    assert done.returncode != 0
    assert "Unable to resolve AWS account" in done.stdout + done.stderr


def test_the_samples_of_the_readme_are_there() -> None:
    with (ROOT / "samplesconfig.toml").open("rb") as file:
        samples = tomllib.load(file)
    for line in block("sam").splitlines():
        words = line.split()
        assert words[:2] == ["sam", "local"]
        assert words[words.index("--config-file") + 1] == "samplesconfig.toml"
        named = words[words.index("--config-env") + 1] if "--config-env" in words else "default"
        assert f"local_{words[2]}".replace("-", "_") in samples[named]


def test_the_configuration_loads() -> None:
    loaded = config.parse(block("yaml"), {})
    assert loaded.agents["assistant"].tools == ("write_file", "read_file", "search")


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def shop(messages, body):
        if messages[-1]["role"] == "tool":
            return f"Here it is: {messages[-1]['content']}"
        return {"name": "get_order", "arguments": json.dumps({"order_id": "17"})}

    with openai_server(shop) as vendor:
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        exec(compile(block("python"), "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip() == "Here it is: Order 17 was shipped on Monday. 4 4"
