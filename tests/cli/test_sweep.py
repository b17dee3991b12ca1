"""Expired sessions go: by `sessions sweep`, and by `serve` and `worker` of themselves."""

import sqlite3
import time

import pytest

from tests.cli.command import Command, read_until

EXPIRING = """\
llms:
  echo: {type: scripted}
session_stores:
  main-db: {backend: sql, sql: {driver: sqlite, database: ./data/sessions.db}}
sessions: {timeout: 1s}
agents:
  assistant: {llm: echo, session_store: main-db}
"""
WEEK_MS = 7 * 86_400_000
SOON = 10.0


@pytest.fixture
def expiring(command: Command) -> Command:
    """A store with a session that lives and one that has just expired."""
    command.out("call", "hi", "--session", "lives")
    (command.folder / "expiring.yaml").write_text(EXPIRING)
    command.out("call", "hi", "--session", "gone", "--config", "expiring.yaml")
    time.sleep(1.0)
    return command


def stored(command: Command) -> list[str]:
    """The sessions that are in the store, seen from outside."""
    with sqlite3.connect(command.folder / "data" / "sessions.db") as connection:
        return [id for (id,) in connection.execute("SELECT id FROM sessionful_heads ORDER BY id")]


def aged(command: Command) -> None:
    """As if the one that has expired had done so a week ago."""
    with sqlite3.connect(command.folder / "data" / "sessions.db") as connection:
        connection.execute("UPDATE sessionful_heads SET expires_at = expires_at - ?", (WEEK_MS,))


def test_a_sweep_erases_what_has_expired_and_nothing_else(expiring: Command) -> None:
    assert expiring.run("sessions", "sweep").stderr == "erased 0 expired sessions\n"
    assert stored(expiring) == ["gone", "lives"]
    assert expiring.run("sessions", "sweep", "--expired-for", "0s").stderr == "erased 1 expired session\n"
    assert stored(expiring) == ["lives"]
    assert expiring.out("sessions", "list").splitlines() == ["lives"]


@pytest.mark.parametrize("process", [("serve", "--port", "0"), ("worker",)])
def test_a_process_that_goes_on_sweeps_what_expired_a_week_ago(expiring: Command, process: tuple[str, ...]) -> None:
    aged(expiring)
    with expiring.start(*process) as running:
        read_until(running, r"(?s).*Ctrl-C stops it\.")
        give_up = time.monotonic() + SOON
        while stored(expiring) != ["lives"] and time.monotonic() < give_up:
            time.sleep(0.05)
        running.terminate()
        assert running.wait(SOON) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert stored(expiring) == ["lives"]


@pytest.mark.parametrize("wrong", ["soon", "-1", "1x", ""])
def test_a_time_that_is_none_is_told(command: Command, wrong: str) -> None:
    code, said = command.fails("sessions", "sweep", f"--expired-for={wrong}")
    assert code == 2
    assert said.startswith("error: --expired-for: ")
    assert not (command.folder / "data").exists()


def test_a_server_is_not_swept_from_outside(command: Command) -> None:
    there = Command(command.folder, SESSIONFUL_URL="http://127.0.0.1:9")
    code, said = there.fails("sessions", "sweep")
    assert (code, said.count("\n")) == (2, 1)
    assert "http://127.0.0.1:9" in said
