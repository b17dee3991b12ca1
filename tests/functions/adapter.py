"""The real Lambda Web Adapter between a Runtime API and the door `stream`.

`make tools` builds it from its crate.
SESSIONFUL_TEST_ADAPTER says where it is, when it is elsewhere.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.functions.cloud import ROOT
from tests.functions.stream_door import HANDLER, environment, free_port

_AS_DEPLOYED = {
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_READINESS_CHECK_PATH": "/health",
    "AWS_LAMBDA_FUNCTION_NAME": "stream",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/stream",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/25/[$LATEST]0",
}


def adapter() -> str | None:
    """Its path, where it is installed."""
    built = ROOT / ".venv" / "tools" / "adapter" / "bin" / "lambda-adapter"
    return os.environ.get("SESSIONFUL_TEST_ADAPTER") or (str(built) if built.exists() else None)


needs_adapter = pytest.mark.skipif(adapter() is None, reason="the Lambda Web Adapter is not built (see adapter.py)")


def as_deployed(port: int) -> dict[str, str]:
    return {**_AS_DEPLOYED, "AWS_LWA_PORT": str(port)}


def together() -> list[str]:
    """One command for both of its processes, which end together: Lambda starts the adapter as an extension."""
    return ["bash", "-c", '"$0" & "$1"; kill $!', str(HANDLER), adapter() or ""]


@contextmanager
def adapted(wanted: Mapping[str, str], runtime_api: str) -> Iterator[None]:
    """`runtime_api` is where the adapter asks for invocations."""
    port = free_port()
    both = environment({**wanted, **as_deployed(port), "AWS_LAMBDA_RUNTIME_API": runtime_api}, port)
    started = [subprocess.Popen([command], env=both, cwd="/") for command in (str(HANDLER), adapter() or "")]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)
