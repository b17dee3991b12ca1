"""What a command loads before it does anything, seen from inside a process that runs it."""

import subprocess
import sys

import pytest

from tests.cli.command import Command

SERVERS_AND_VENDORS = {"fastapi", "starlette", "uvicorn", "boto3", "botocore", "sqlalchemy", "xllamacpp", "httpx"}
WATCH = """
import sys
from sessionful.cli.app import run
code = run(sys.argv[1:])
print("loaded:", *sys.modules)
sys.exit(code)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["call", "--help"], ["config", "validate"], []])
def test_asking_for_help_or_a_check_loads_no_server_and_no_vendor(command: Command, arguments: list[str]) -> None:
    assert not _loaded(command, *arguments) & SERVERS_AND_VENDORS


def test_help_does_not_even_load_the_core(command: Command) -> None:
    assert not _loaded(command, "--help") & {"pydantic", "sessionful.core.service", "yaml", "asyncio"}


def test_a_call_loads_no_web_framework(command: Command) -> None:
    assert not _loaded(command, "call", "hi") & {"fastapi", "starlette", "uvicorn", "boto3", "httpx"}


def test_a_call_to_a_server_loads_no_store_and_no_model(command: Command) -> None:
    loaded = _loaded(command, "call", "hi", "--url", "http://127.0.0.1:1", code=1)
    assert not loaded & {"sqlalchemy", "fastapi", "xllamacpp", "sessionful.models", "sessionful.core.service"}


def _loaded(command: Command, *arguments: str, code: int = 0) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments],
        cwd=command.folder,
        env=command.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == code, done.stderr
    return set(done.stdout.partition("loaded: ")[2].split())
