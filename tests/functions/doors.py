"""A door that tests invoke, in a process of its own: what it loads, and when, is part of what is tested."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.functions.cloud import ROOT
from tests.functions.events import Event

PATHS = os.pathsep.join([str(ROOT), str(ROOT / "functions" / "layer" / "python")])


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    def __init__(self, process: "subprocess.Popen[str]", answers: Any) -> None:
        self._process, self._answers = process, answers
        self.modules: set[str] = set()

    def invoke(self, event: Any, seconds: float = 60.0) -> dict[str, Any]:
        """`answer`, or `error` and `message` of what the handler raised."""
        assert self._process.stdin is not None
        print(json.dumps({"event": event, "seconds": seconds}), file=self._process.stdin, flush=True)
        line = self._answers.readline()
        assert line, "the door's process has ended"
        told: dict[str, Any] = json.loads(line)
        self.modules = set(told.pop("modules"))
        return told

    def ask(self, event: Event, seconds: float = 60.0) -> Answer:
        told = self.invoke(event, seconds)
        assert "answer" in told, told
        answer = told["answer"]
        assert not answer.get("isBase64Encoded")
        return Answer(answer["statusCode"], answer["headers"], answer["body"])


@contextmanager
def door(name: str, environment: Mapping[str, str]) -> Iterator[Door]:
    """Of `functions/<name>.py`."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functions.lambda_process", f"functions.{name}.handler", str(writing)],
        env={**_outside(), "PYTHONPATH": PATHS, **environment},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        pass_fds=[writing],
    )
    os.close(writing)
    with os.fdopen(reading) as answers:
        try:
            yield Door(process, answers)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            if process.wait(20) != 0:
                raise AssertionError("the door's process failed")


def _outside() -> dict[str, str]:
    """What a process needs of this one's environment, without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SESSIONFUL_", "AWS_"))}
