"""A door as a cold start finds it: imported anew, under an environment of its own."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import pytest

AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


class Context:
    """What Lambda tells a handler beside the event."""

    aws_request_id = "b7a1c5f0-4d0c-4c5e-9a57-6f0b4b6f7d11"

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@contextmanager
def cold_start(door: str, **environment: str) -> Iterator[ModuleType]:
    """Of `functions.<door>`. Its event loop is closed afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _loaded():
            patch.delitem(sys.modules, name)
        for name, value in {**AWS, **environment}.items():
            patch.setenv(name, value)
        module = import_module(f"functions.{door}")
        yield module
        if (runner := getattr(module, "_runner", None)) is not None:
            with ThreadPoolExecutor(1) as outside:  # of the loop that the test may be in
                outside.submit(runner.close).result()
        for name in _loaded():
            del sys.modules[name]


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.startswith("functions.")]
