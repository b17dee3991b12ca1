"""CPython 3.14, which the machine need not have: the one that makes the bytecode."""

import subprocess
from pathlib import Path

import pytest

from infra.node import command
from infra.packaging import BUILD, bytecode

_RUN = """
process.on("uncaughtException", (error) => { console.error(String(error.message ?? error)); process.exit(1); });
const [pyodide, folder, code] = process.argv.slice(1);
const { loadPyodide } = await import(pyodide);
const python = await loadPyodide({ env: { HOME: "/" } });
python.FS.mkdirTree("/opt");
python.mountNodeFS("/opt", folder);
python.runPython("import sys; sys.path.insert(0, '/opt/python')");
console.log(python.runPython(code));
"""


def compiler() -> Path:
    """Skips the test where it cannot be installed."""
    try:
        return bytecode.compiler(BUILD)
    except bytecode.NoCompiler as reason:
        pytest.skip(f"no Python 3.14 to compile with: {reason}")


def evaluated(code: str, opt: Path) -> str:
    """What the last expression of the code gives, where Lambda's /opt is this folder."""
    node = command("node")
    assert node is not None
    arguments = ["--input-type=module", "--eval", _RUN, compiler().as_uri(), str(opt), code]
    done = subprocess.run([*node, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")
