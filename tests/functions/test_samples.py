"""Every sample in events/ goes through its door, and what comes back is what samplesconfig.toml expects."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functions.cloud import AWS, ROOT
from tests.functions.doors import PATHS, Door, door
from tests.functions.local_aws import PORT, LocalAws
from tests.functions.samples_expected import Sample, differences, samples
from tests.functions.stream_door import adapters_headers, stream_door

SAMPLES = samples()
OPEN = {"SESSIONFUL_CONFIG": str(ROOT / "infra" / "examples" / "open.agents.yaml"), "SESSIONFUL_AUTH": "none", **AWS}


class Doors:
    """Each is opened when it is first needed."""

    def __init__(self, aws: LocalAws, stack: ExitStack) -> None:
        self.aws, self._stack = aws, stack
        self._environment = {**OPEN, **aws.environment}
        self._doors: dict[str, Door] = {}
        self._url: str | None = None

    def answer(self, sample: Sample) -> Any:
        # Where frames for a connection are posted to, the events say.
        event = json.loads(sample.event.replace(f"localhost:{PORT}", self.aws.url.removeprefix("http://")))
        if sample.door == "stream":
            return self._streamed(event)
        if sample.door not in self._doors:
            self._doors[sample.door] = self._stack.enter_context(door(sample.door, self._environment))
        told = self._doors[sample.door].invoke(event)
        assert "answer" in told, told
        return told["answer"]

    def _streamed(self, event: Any) -> Any:
        """As the Web Adapter sends it on, and as it hands back the answer."""
        if self._url is None:
            self._url = self._stack.enter_context(stream_door(self._environment)).url
        context = event["requestContext"]
        told = {**adapters_headers(), "x-amzn-request-context": json.dumps(context)}
        answer = httpx.request(
            context["http"]["method"],
            f"{self._url}{event['rawPath']}",
            params=event["rawQueryString"],
            headers={**event["headers"], **told},
            content=event.get("body"),
        )
        return {"statusCode": answer.status_code, "headers": dict(answer.headers), "body": answer.text}


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with ExitStack() as stack:
        yield Doors(LocalAws(), stack)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_answered_as_it_says(name: str, doors: Doors) -> None:
    sample = SAMPLES[name]
    for earlier in sample.after:
        doors.answer(SAMPLES[earlier])
    doors.aws.posted.clear()
    assert differences(sample.expected, doors.answer(sample)) == []
    assert differences(sample.posted, [json.loads(text) for _, text in doors.aws.posted]) == []


def test_every_file_is_a_sample_and_every_sample_a_file() -> None:
    files = {file.name for file in (ROOT / "events").iterdir()}
    assert {sample.parameters["event"] for sample in SAMPLES.values()} == {f"events/{file}" for file in files}
    assert {f"{name}.json" for name in SAMPLES} == files
    assert all(name.startswith(f"{sample.door}_") for name, sample in SAMPLES.items())


def test_every_door_has_samples() -> None:
    assert {sample.door for sample in SAMPLES.values()} == {
        "sessions",
        "messages",
        "stream",
        "worker",
        "curator",
        "websocket",
    }


def test_local_aws_writes_what_sam_tells_the_doors_and_ends_when_it_is_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "new" / "env.json"
    line = [sys.executable, "-m", "tests.functions.local_aws", "--port", "0", "--seen-as", "127.0.0.1"]
    process = subprocess.Popen(
        [*line, "--env-vars", str(file)],
        env={**os.environ, "PYTHONPATH": PATHS},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().partition(": ")[0]
        told = json.loads(file.read_text())["Parameters"]
        with door("sessions", {**OPEN, **told}) as sessions:
            answer = sessions.invoke(json.loads(SAMPLES["sessions_create"].event))["answer"]
        assert answer["statusCode"] == 201
        assert f"sqs:{url}/" in told["SESSIONFUL_ALARMS"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_what_is_expected_can_be_missed() -> None:
    answer = {"statusCode": 200, "body": '{"error": {"code": "a"}, "list": [1]}', "more": True}
    assert differences({"statusCode": 200, "body": {"error": {"code": "a"}, "list": [1]}}, answer) == []
    wrongs: list[dict[str, Any]] = [
        {"statusCode": 404},
        {"other": 1},
        {"body": {"error": {"code": "b"}}},
        {"body": {"list": []}},
        {"body": {"list": [2]}},
        {"body": ["no such words"]},
    ]
    for wrong in wrongs:
        assert len(differences(wrong, answer)) == 1, wrong
