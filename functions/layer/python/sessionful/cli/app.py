"""The commands as they are typed. Each imports what it needs when it runs, so that `--help` loads no server."""

import io
import logging
import sys
from typing import Annotated

import typer

from sessionful.cli import config_app, memories_app, options, sessions_app
from sessionful.cli.console import program
from sessionful.cli.failure import DONE, FAILED, INTERRUPTED, WRONG_USAGE, CommandFailed, line, status_of
from sessionful.domain.error import AgentError

app = typer.Typer(name="sessionful", help="Stateful agent sessions: talk to an agent, keep its sessions, serve it.")
app.add_typer(sessions_app.app, name="sessions")
app.add_typer(memories_app.app, name="memories")
app.add_typer(config_app.app, name="config")
log = logging.getLogger("sessionful.cli")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr what happens inside.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.CRITICAL, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def chat(
    agent: options.Agent = None,
    config: options.Config = None,
    session: options.Session = None,
    url: options.Url = None,
    token: options.Token = None,
    model: options.Model = None,
    no_stream: options.NoStream = False,
) -> int:
    """Talk to an agent at a prompt."""
    from sessionful.cli.chat import chat

    where = options.target(agent, config, url, token, model)
    return chat(where, session or where.settings.session, not no_stream)


@app.command()
def call(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The message, or - to read it from standard input.")],
    agent: options.Agent = None,
    config: options.Config = None,
    session: options.Session = None,
    url: options.Url = None,
    token: options.Token = None,
    model: options.Model = None,
    no_stream: options.NoStream = False,
) -> int:
    """Send one message, print the answer."""
    from sessionful.cli.call import call

    said = sys.stdin.read() if text == "-" else text
    where = options.target(agent, config, url, token, model)
    return call(where, said, session or where.settings.session, not no_stream)


@app.command()
def serve(
    config: options.Config = None,
    model: options.Model = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8080,
    allow_unauthenticated: Annotated[
        bool, typer.Option("--allow-unauthenticated", help="Let everybody in who reaches the host.")
    ] = False,
) -> int:
    """Serve the agents over HTTP, and look after turns whose process died or handed them over.
    (env SESSIONFUL_ALARMS: where it hears of them, a SQLite file or none; SESSIONFUL_RUN_FOR: the seconds that it
    carries a turn before it hands it over)"""
    try:
        from sessionful.cli.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn"):
            raise
        message = 'serving needs FastAPI and uvicorn: pip install "sessionful[server]"'
        raise CommandFailed(message, "not_installed", WRONG_USAGE) from None
    return serve(options.target(None, config, None, None, model), host, port, allow_unauthenticated)


@app.command()
def replay(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="The session, in this machine's store.")],
    agent: options.Agent = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Run a stored session's turns again without any model, and check that they come out as they are stored."""
    from sessionful.cli.replay import replay

    return replay(options.target(agent, config, None, None), session, as_json)


@app.command()
def worker(
    config: options.Config = None,
    model: options.Model = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="How many turns it looks after at once.")] = 8,
) -> int:
    """Look after turns whose process died or handed them over. (env SESSIONFUL_ALARMS: where it hears of them)"""
    from sessionful.cli.worker import work

    return work(options.target(None, config, None, None, model), at_once)


def run(arguments: list[str] | None = None) -> int:
    """The exit code. Whatever goes wrong is one line on stderr."""
    _never_stumble()
    try:
        return int(app(arguments, prog_name=program(), standalone_mode=False) or DONE)
    except (CommandFailed, AgentError) as error:
        return _failed(line(error.message, error.code), status_of(error))
    except typer.TyperException as error:
        return _failed(line(error.format_message(), "usage"), WRONG_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except Exception:
        log.exception("unexpected")
        return _failed(line("something went wrong; --verbose shows where", "internal_error"), FAILED)


def _never_stumble() -> None:
    """Over a character that the terminal's encoding lacks, or over bytes that are none in it (they are told later)."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _failed(message: str, status: int) -> int:
    sys.stderr.write(message + "\n")
    return status
