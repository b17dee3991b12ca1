"""The command lines of the first documents, word by word, with only the command's name changed."""

import shlex

import pytest

from tests.cli.command import Command


def test_the_lines_of_using_sessions(command: Command) -> None:
    _single_agent(command)
    assert _run(command, "chat --agent assistant --config config.yaml", "Hello\n").count("You said: Hello") == 1
    _run(command, "chat --agent assistant --config config.yaml --session my-session", "Hi\n")
    first = _run(command, 'call "Hello" --agent assistant --config config.yaml --session my-session')
    assert "(3 messages in view)" in first
    later = _run(
        command, 'call "Continue where we left off" --agent assistant --config config.yaml --session my-session'
    )
    assert later == "You said: Continue where we left off (5 messages in view)\n"


def test_the_line_of_streaming(command: Command) -> None:
    _single_agent(command)
    told = _run(command, 'call "Explain quantum computing" --agent assistant --config config.yaml')
    assert told == "You said: Explain quantum computing (1 messages in view)\n"


@pytest.mark.parametrize("setting", ["session_store: main-db", ""])
def test_a_conversation_outlives_the_process_with_and_without_a_store_of_its_own(
    command: Command, setting: str
) -> None:
    _single_agent(command, setting)
    _run(command, 'call "Hello" --agent assistant --config config.yaml --session my-session')
    assert "(3 messages in view)" in _run(
        command, 'call "Hi" --agent assistant --config config.yaml --session my-session'
    )


def _run(command: Command, line: str, stdin: str = "") -> str:
    return command.out(*shlex.split(line), stdin=stdin)


def _single_agent(command: Command, setting: str = 'session_store: "main-db"  # Reference global store') -> None:
    (command.folder / "config.yaml").write_text(
        f"""\
# Global session stores (like llms, databases, tools)
session_stores:
  main-db:
    backend: sql
    sql:
      driver: sqlite  # or postgres, mysql
      database: ./data/sessions.db

agents:
  assistant:
    {setting}
    memory:
      working:
        strategy: "summary_buffer"
        budget: 4000
"""
    )
