"""The samples that samplesconfig.toml names, and whether an answer is what it expects.

`python -m tests.functions.samples_expected SAMPLE` reads an answer as `sam local invoke` prints it.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "samplesconfig.toml"
_BESIDE = ("after", "posted")  # of what is expected, not of the answer


class Sample(NamedTuple):
    """`after` are those to be sent before, `posted` what is then sent to the connection."""

    name: str
    parameters: dict[str, Any]
    expected: dict[str, Any]
    after: list[str]
    posted: list[dict[str, Any]]

    @property
    def door(self) -> str:
        return str(self.parameters["function_logical_id"]).removesuffix("Function").lower()

    @property
    def event(self) -> str:
        return (ROOT / str(self.parameters["event"])).read_text()


def samples() -> dict[str, Sample]:
    found = {}
    for name, environment in tomllib.loads(CONFIG.read_text()).items():
        if "local_invoke" in dict(environment if isinstance(environment, dict) else {}):
            told = environment["expected"]
            expected = {key: value for key, value in told.items() if key not in _BESIDE}
            parameters = environment["local_invoke"]["parameters"]
            found[name] = Sample(name, parameters, expected, told.get("after", []), told.get("posted", []))
    return found


def differences(expected: Any, found: Any, place: str = "answer") -> list[str]:
    """Of an object that holds more nothing is said. A text is compared as JSON with an object, and searched for each
    text of a list."""
    if isinstance(found, str) and isinstance(expected, dict):
        return differences(expected, json.loads(found), place)
    if isinstance(found, str) and isinstance(expected, list):
        return [f"{place}: has no {piece!r}" for piece in expected if piece not in found]
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{place}.{key}: is missing" for key in expected.keys() - found.keys()]
        both = [(expected[key], found[key], f"{place}.{key}") for key in expected if key in found]
        return missing + [line for pair in both for line in differences(*pair)]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{place}[{number}]")]
    return [] if expected == found else [f"{place}: {found!r} is not {expected!r}"]


def main() -> int:
    """What is expected of the sample named by the argument, against the last line of standard input."""
    sample = samples()[sys.argv[1]]
    wrong = differences(sample.expected, json.loads(sys.stdin.read().strip().splitlines()[-1]))
    sys.stdout.write("".join(f"{sample.name}: {line}\n" for line in wrong or ["as expected"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
