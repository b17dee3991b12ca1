"""The options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

if TYPE_CHECKING:
    from sessionful.cli.target import Target

Agent = Annotated[
    str | None, Option("--agent", metavar="NAME", help="The agent to talk to; needed when there are several.")
]
Config = Annotated[
    Path | None,
    Option("--config", metavar="FILE", help="The configuration, YAML. (env SESSIONFUL_CONFIG)"),
]
Session = Annotated[
    str | None,
    Option("--session", metavar="ID", help="The same id is the same conversation. (env SESSIONFUL_SESSION)"),
]
Url = Annotated[
    str | None,
    Option("--url", metavar="URL", help="Talk to a server instead of this machine's store. (env SESSIONFUL_URL)"),
]
Token = Annotated[
    str | None, Option("--token", metavar="TOKEN", help="Who you are to that server. (env SESSIONFUL_TOKEN)")
]
Model = Annotated[
    str | None,
    Option(
        "--model",
        metavar="MODEL",
        help="The model where the configuration names none: openai:MODEL, local, scripted, ... (env SESSIONFUL_MODEL)",
    ),
]
NoStream = Annotated[bool, Option("--no-stream", help="Show the answer when it is complete.")]
Json = Annotated[bool, Option("--json", help="As JSON.")]


def target(
    agent: str | None, config: Path | None, url: str | None, token: str | None, model: str | None = None
) -> "Target":
    """What is typed counts more than the environment: a configuration named here keeps the work on this machine.
    Raises ConfigError for an environment that cannot be read."""
    from sessionful.cli.target import Target

    if url is not None and (config is not None or model is not None):
        raise BadParameter("--url talks to a server, which has its own --config and --model")
    return Target.of(agent, config, url, token, model)
