"""The command line: talk to an agent, keep its sessions, serve it."""

import sys


def main() -> None:
    try:
        from sessionful.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit('error: the command line needs Typer and Rich: pip install "sessionful[cli]" (not_installed)')
    sys.exit(run())
