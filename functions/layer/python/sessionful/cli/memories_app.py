"""`sessionful memories …` as it is typed."""

from typing import Annotated

import typer

from sessionful.cli import options

app = typer.Typer(help="List, add, correct and delete what is remembered.", no_args_is_help=False)

Session = Annotated[str, typer.Argument(metavar="SESSION", help="The session in which it is remembered.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The memory.")]
Text = Annotated[str, typer.Argument(metavar="TEXT", help="One fact, in words that stand by themselves.")]


@app.command("list")
def list_memories(
    session: Session,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many, the newest first.")] = 50,
    ended: Annotated[bool, typer.Option("--ended", help="Those that no longer hold, too.")] = False,
    as_json: options.Json = False,
) -> None:
    """What a session's agent remembers in it: ids and texts."""
    from sessionful.cli import memories

    where = options.target(agent, config, url, token)
    where.run(lambda kept: memories.list_memories(kept, session, limit, ended, as_json))


@app.command()
def add(
    session: Session,
    text: Text,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Have a fact remembered; prints its id."""
    from sessionful.cli import exchange, memories

    exchange.check_text(text, "memory")
    options.target(agent, config, url, token).run(lambda kept: memories.add(kept, session, text))


@app.command()
def correct(
    session: Session,
    memory: Id,
    text: Text,
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Put another fact in a memory's place; prints the new one's id."""
    from sessionful.cli import exchange, memories

    exchange.check_text(text, "memory")
    options.target(agent, config, url, token).run(lambda kept: memories.correct(kept, session, memory, text))


@app.command()
def delete(
    session: Session,
    memory: Annotated[list[str], typer.Argument(metavar="ID...", help="The memories.")],
    agent: options.Agent = None,
    config: options.Config = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Erase memories."""
    from sessionful.cli import memories

    options.target(agent, config, url, token).run(lambda kept: memories.delete(kept, session, memory))
