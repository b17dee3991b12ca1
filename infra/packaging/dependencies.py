"""The layer of other people's packages, for Lambda's Python and processor, on whatever machine this runs. No Docker."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Literal

from infra.packaging.errors import IndexUnreachable, PackagingError
from infra.packaging.sources import FUNCTIONS

Architecture = Literal["arm64", "x86_64"]
"""Of the processor, as Lambda calls it."""

LOCK = FUNCTIONS / "requirements-layer.txt"
PYTHON = "3.14"

# What the doors call, and what the tracer may. Of the other services botocore would bring 18 MB of descriptions.
SERVICES = frozenset(
    {
        "apigatewaymanagementapi",
        "bedrock-runtime",
        "dynamodb",
        "s3",
        "secretsmanager",
        "sqs",
        "ssm",
        "sts",
        "xray",
    }
)

# Each older glibc by name: not every pip infers them from the newest. Lambda's Python 3.14 has 2.34.
_GLIBCS = [*(f"manylinux_2_{minor}" for minor in range(34, 16, -1)), "manylinux2014"]
_MACHINES: dict[Architecture, str] = {"arm64": "aarch64", "x86_64": "x86_64"}

# RECORD has hashes of start scripts, which name this machine's Python: elsewhere the same lock would give other bytes.
_UNUSED = (
    "bin",
    "*-stubs",
    "*/tests",
    "**/*.pyi",
    "**/*.c",
    "**/*.h",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "botocore/data/**/examples-1.json*",
)
_LAST_TRY_BROKEN = "Retrying (Retry(total=0"


def install(lock: Path, layer: Path, architecture: Architecture) -> None:
    """Put what the lock pins into `layer`/python. Licences stay; what is never imported goes.

    Raises PackagingError, which names the package when there is no wheel of it."""
    folder = layer / "python"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += ["--implementation", "cp", "--python-version", PYTHON]
    command += [option for glibc in _GLIBCS for option in ("--platform", f"{glibc}_{_MACHINES[architecture]}")]
    done = subprocess.run(
        [*command, "--target", str(folder), "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _refusal(done.stderr, architecture)
    for path in list(_unused(folder)):
        if path.is_dir():
            rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _unused(folder: Path) -> Iterator[Path]:
    for pattern in _UNUSED:
        yield from folder.glob(pattern)
    for described in folder.glob("botocore/data/*/"):
        if described.name not in SERVICES:
            yield described


def _refusal(told: str, architecture: Architecture) -> PackagingError:
    """What pip told, in a line."""
    missing = re.search(r"No matching distribution found for (\S+)", told)
    if _LAST_TRY_BROKEN in told:
        wanted = f" for {missing[1]}" if missing else ""
        return IndexUnreachable(f"pip cannot reach the package index{wanted}")
    if missing:
        lambdas = f"Python {PYTHON} on Linux for {architecture} (manylinux)"
        return PackagingError(f"there is no wheel of {missing[1]} for {lambdas}")
    if "No module named pip" in told:
        return PackagingError(f"{sys.executable} has no pip: python -m ensurepip")
    if unlike := re.search(r"^ +(\S+==\S+) from .*:\n +Expected", told, re.MULTILINE):
        return PackagingError(f"{unlike[1]} is not what the lock pins: its hash is another one")
    lines = [line.removeprefix("ERROR: ") for line in told.splitlines() if line.startswith("ERROR: ")]
    return PackagingError(f"pip: {lines[-1] if lines else told.strip() or 'failed without a word'}")
