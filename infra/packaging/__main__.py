"""python -m infra.packaging AGENTS.yaml: build what would be uploaded, and tell how large it is."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from infra.packaging import PackagingError, assets
from infra.packaging.sizes import sizes, table


def main() -> int:
    parser = ArgumentParser(prog="python -m infra.packaging", description="Build what would be uploaded to AWS.")
    parser.add_argument("agents", type=Path, metavar="AGENTS.yaml")
    agents = parser.parse_args().agents
    try:
        made = assets(agents)
    except PackagingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("".join(f"{name:<15}{folder}\n" for name, folder in made._asdict().items()))
    sys.stdout.write(f"\n{table(sizes(made))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
