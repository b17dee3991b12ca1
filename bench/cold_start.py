"""What a cold start of each door loads, and how long it takes, beside a bare `import boto3` in the same run.

`python -m bench.cold_start`; `--importtime sessions` says what a door's time goes into.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from statistics import median

from bench.fresh import Load, import_times, load

REFERENCE = "boto3"
DOORS = {
    "sessions": "import functions.sessions",
    "messages": "import functions.messages",
    # As stream.sh has it: the server, its protocol, and the application that it is asked for.
    "stream": "import uvicorn.main\n"
    "uvicorn.Config('functions.stream:app', loop='asyncio', http='h11', ws='none', lifespan='off').load()",
    "websocket": "import functions.websocket",
    "worker": "import functions.worker",
    "curator": "import functions.curator",
}
BUDGETS = {"sessions": 3.0, "messages": 3.0, "stream": 3.5, "websocket": 3.0, "worker": 3.0, "curator": 3.0}
"""Modules, in those of boto3."""

_CLIENT = "boto3 and a client"
_CODE = {REFERENCE: "import boto3", _CLIENT: "import boto3; boto3.client('dynamodb')", **DOORS}

Figures = Mapping[str, Sequence[Load]]


def measure(rounds: int, *, traced: bool = True) -> Figures:
    """Each in a fresh interpreter, one after the other, round by round: the machine's moods are shared by all. The
    round before the first writes the bytecode and is not counted."""
    taken: dict[str, list[Load]] = {name: [] for name in _CODE}
    for number in range(rounds + 1):
        for name, code in _CODE.items():
            loaded = load(code, traced=traced)
            if number:
                taken[name].append(loaded)
    return taken


def table(figures: Figures) -> str:
    """Ratios of times are those of the medians."""
    reference = figures[REFERENCE]
    modules, usual = len(reference[0].modules), _median(reference)
    lines = [
        "| | modules | of boto3 | budget | ms, least | ms, median | of boto3 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, loads in figures.items():
        own, least, middle = len(loads[0].modules), min(one.milliseconds for one in loads), _median(loads)
        budget = f"{BUDGETS[name]:.1f}" if name in BUDGETS else ""
        lines.append(
            f"| {name} | {own} | {own / modules:.2f} | {budget} | {least:.0f} | {middle:.0f} | {middle / usual:.2f} |"
        )
    return "\n".join(lines)


def _median(loads: Sequence[Load]) -> float:
    return median(one.milliseconds for one in loads)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description="Cold starts of the doors.")
    parser.add_argument("--rounds", type=int, default=7, help="counted starts of each (7)")
    parser.add_argument("--untraced", action="store_true", help="without X-Ray, which a deployment has on")
    parser.add_argument("--importtime", choices=DOORS, metavar="DOOR", help="the packages a door's time goes into")
    given = parser.parse_args()
    if given.importtime:
        for name, modules, milliseconds in import_times(DOORS[given.importtime], traced=not given.untraced)[:20]:
            sys.stdout.write(f"{milliseconds:8.1f} ms {modules:4} modules  {name}\n")
        return
    sys.stdout.write(f"{table(measure(given.rounds, traced=not given.untraced))}\n")


if __name__ == "__main__":
    main()
