"""Code in an interpreter of its own, as a function finds itself: what it loads, how long that takes."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_PATHS = (ROOT, ROOT / "functions" / "layer" / "python")

# The addresses lead nowhere: a door asks nobody before it is asked itself.
_ENVIRONMENT = {
    "SESSIONFUL_CONFIG": str(ROOT / "bench" / "agents.yaml"),
    "SESSIONFUL_STORE": "dynamodb:sessions?bucket=objects",
    "SESSIONFUL_ALARMS": "sqs:https://sqs.eu-central-1.amazonaws.com/111122223333/worker",
    "SESSIONFUL_AUTH": "iam",
    "SESSIONFUL_STREAM_URL": "https://abcdefghijklmnop.lambda-url.eu-central-1.on.aws",
    "POWERTOOLS_SERVICE_NAME": "sessionful",
    "POWERTOOLS_METRICS_NAMESPACE": "sessionful",
    "AWS_LAMBDA_FUNCTION_NAME": "door",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_TRACED = {"LAMBDA_TASK_ROOT": "/var/task", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000"}

_TIMED = """
import sys, time
before = set(sys.modules)
begun = time.process_time()
{code}
took, loaded = time.process_time() - begun, set(sys.modules) - before
import json
print(json.dumps([took * 1000, sorted(loaded)]), file=sys.stderr)
"""


class Load(NamedTuple):
    """`modules` are those that the interpreter itself had not."""

    milliseconds: float
    modules: list[str]


def load(code: str, *, traced: bool = True, environment: Mapping[str, str] | None = None) -> Load:
    """`environment` is what a door's says besides, or instead. Raises CalledProcessError."""
    told = _run([], _TIMED.format(code=code), traced, environment).splitlines()[-1]
    return Load(*json.loads(told))


def import_times(code: str, *, traced: bool = True) -> list[tuple[str, int, float]]:
    """Each package, how many modules of it are loaded, and their own milliseconds together; the longest first."""
    counts, times = Counter[str](), Counter[str]()
    for line in _run(["-X", "importtime"], code, traced, None).splitlines():
        own, _, module = line.removeprefix("import time:").split("|") if line.count("|") == 2 else ("", "", "")
        if own.strip().isdigit():
            package = module.strip().partition(".")[0]
            counts[package] += 1
            times[package] += int(own)
    return [(package, counts[package], time / 1000) for package, time in times.most_common()]


def _run(options: list[str], code: str, traced: bool, environment: Mapping[str, str] | None) -> str:
    """What it writes to its standard error."""
    path = f"import sys\nsys.path[:0] = {[str(path) for path in _PATHS]!r}\n"
    done = subprocess.run(
        [sys.executable, "-P", *options, "-c", path + code],
        env={**_ENVIRONMENT, **(_TRACED if traced else {}), **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr
