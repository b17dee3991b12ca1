"""The agents' YAML, refused here when the doors would refuse it there."""

import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from infra.packaging.errors import PackagingError
from infra.packaging.sources import CORE

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)")
_ON_LAMBDA = ("AWS_REGION", "AWS_DEFAULT_REGION")  # the runtime sets them
_STAND_IN = "a-secret"


def check(agents: Path, secrets: Collection[str] | None = None) -> None:
    """Raises PackagingError with everything that `sessionful config validate` finds wrong.

    `secrets` are the names of the variables that the deployment brings; without them any variable may come. What else
    is set on this machine does not count: the doors will not have it."""
    try:
        text = agents.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PackagingError(f"cannot read {agents}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PackagingError(f"cannot read {agents}: it is not UTF-8") from None
    done = subprocess.run(
        [sys.executable, "-m", "sessionful", "config", "validate", str(agents)],
        env=_environment(text, secrets),
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named" in done.stderr:
        raise PackagingError("the agents' YAML is checked by sessionful itself, which is not installed here: make run")
    if done.returncode:
        raise PackagingError(done.stderr.strip() or f"{agents} is not valid")
    sys.stderr.write(done.stderr)


def _environment(text: str, secrets: Collection[str] | None) -> dict[str, str]:
    referred = {found[1] for found in _REFERENCE.finditer(text) if found[1]}
    brought = referred if secrets is None else referred.intersection([*secrets, *_ON_LAMBDA])
    kept = {name: value for name, value in os.environ.items() if name not in referred}
    return {**kept, **dict.fromkeys(brought, _STAND_IN), "PYTHONPATH": str(CORE / "python")}
