"""`python -m tests.torture --store sqlite --seconds 600 --seed 7`: prints what was survived, and what was not."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.torture.places import STORES
from tests.torture.torment import torment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="for the servers' logs and the ledger; by default a temporary one")
    given = parser.parse_args()
    tell(f"--store {given.store} --seconds {given.seconds:g} --seed {given.seed} --servers {given.servers}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = asyncio.run(torment(given.store, given.seconds, given.seed, folder, given.servers))
    for violation in outcome.violations:
        tell(f"\n{violation}")
    tell("")
    for name, figure in outcome.figures.items():
        tell(f"{figure:>10} {name}")
    return 1 if outcome.violations else 0


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
