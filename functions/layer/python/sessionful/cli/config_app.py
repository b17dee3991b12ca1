"""`sessionful config …`: is the configuration right, before anything is started with it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sessionful.cli.console import out
from sessionful.cli.failure import DONE, WRONG_USAGE

app = typer.Typer(help="Check a configuration.")


@app.callback()
def _group() -> None:
    """Without it Typer takes a group's only command for the group itself."""


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="The configuration.")] = Path("config.yaml"),
) -> int:
    """Say what is wrong with a configuration, line by line."""
    from sessionful import config, wiring
    from sessionful.domain.error import ConfigError

    try:
        loaded = config.load(path)
        wiring.check_names(loaded)
    except ConfigError as error:
        sys.stderr.write(f"{error.message}\n")
        return WRONG_USAGE
    for warning in loaded.warnings():
        sys.stderr.write(f"warning: {warning}\n")
    agents = ", ".join(loaded.agents) or "none"
    out(f"{path} is valid; agents: {agents}")
    return DONE
