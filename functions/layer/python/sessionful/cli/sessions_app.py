"""`sessionful sessions …` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from sessionful.cli import options

app = typer.Typer(help="List, show, delete, fork, rewind, export, import and sweep up sessions.", no_args_is_help=False)

Id = Annotated[str, typer.Argument(metavar="ID", help="The session.")]
NewId = Annotated[str | None, typer.Option("--as", metavar="ID", help="The new session's id. Default: generated.")]


@app.command("list")
def list_sessions(
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many, the newest activity first.")] = 50,
    as_json: options.Json = False,
) -> None:
    """The sessions: a table on a terminal, ids alone in a pipe."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.list_sessions(kept, limit, as_json))


@app.command()
def show(
    session: Id,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """A session and what was said in it."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.show(kept, session, as_json))


@app.command()
def delete(
    session: Annotated[list[str], typer.Argument(metavar="ID...", help="The sessions.")],
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Erase sessions, and all that was said in them."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.delete(kept, session))


@app.command()
def sweep(
    config: options.Config = None,
    expired_for: Annotated[
        str, typer.Option("--expired-for", metavar="TIME", help="Only what expired that long ago: 7d, 12h, 0s.")
    ] = "7d",
) -> None:
    """Erase the sessions that have expired, of every owner, after what is worth remembering of them was stored.

    `serve` and `worker` do so by themselves. Who uses an expired session's id is told that it has expired, until it is
    erased."""
    from sessionful.cli import sweep

    sweep.sweep(options.target(None, config, None, None), expired_for)


@app.command()
def fork(
    session: Id,
    new_id: NewId = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="PLACE", help="A turn (12) or its step (12.3). Default: the end.")
    ] = None,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Make a session that shares another's past; prints its id."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.fork(kept, session, new_id, at))


@app.command()
def checkpoint(
    session: Id,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The point's name. Default: generated.")] = None,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Name the point where a session is, to go back to it; prints the name."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.checkpoint(kept, session, name))


@app.command()
def rewind(
    session: Id,
    to: Annotated[str, typer.Argument(metavar="PLACE", help="A checkpoint, a turn (12) or its step (12.3).")],
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Bring a session's messages and state back to a point."""
    from sessionful.cli import sessions

    options.target(agent, config, url, token).run(lambda kept: sessions.rewind(kept, session, to))


@app.command("export")
def export_session(
    session: Id,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")] = None,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Write a session as a portable JSON document."""
    from sessionful.cli import sessions

    document = options.target(agent, config, url, token).run(lambda kept: kept.export_document(session))
    sessions.write_document(document, output)


@app.command("import")
def import_session(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported document, or - for standard input.")],
    new_id: Annotated[str | None, typer.Option("--as", metavar="ID", help="Another id than the document's.")] = None,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Make a session from an exported document; prints its id."""
    from sessionful.cli import sessions

    document = sessions.read_document(file)
    options.target(agent, config, url, token).run(lambda kept: sessions.import_session(kept, document, new_id))
