"""`worker`: a process that opens no port, and how it ends."""

import signal
import subprocess
import sys

import pytest

from tests.cli.command import PATIENCE, Command, read_until

READY = r"(?s).*Ctrl-C stops it\."
TELLS_WHAT_IT_LOADED = """
import sys
from sessionful.cli.app import run
code = run(["worker"])
print("loaded:", *sys.modules)
sys.exit(code)
"""


def test_it_prints_whose_turns_it_looks_after_and_where_it_hears_of_them(command: Command) -> None:
    with command.start("worker", "--config", "config.yaml") as process:
        said = read_until(process, READY)[0]
    assert said.startswith("sessionful looks after turns\n")
    assert "assistant: scripted" in said
    assert "sessions  SQLite file ./data/sessions.db\n" in said
    assert "alarms    SQLite file data/sessions.alarms.db\n" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_stop_it_ends_well_and_soon(command: Command, number: signal.Signals) -> None:
    with command.start("worker") as process:
        read_until(process, READY)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SESSIONFUL_ALARMS": "none"}, "error: SESSIONFUL_ALARMS is none: no alarm will ever ring (usage)\n"),
        (
            {"SESSIONFUL_STORE": "memory"},
            "error: the sessions are kept in memory: no other process can leave a turn there (usage)\n",
        ),
    ],
)
def test_where_nothing_can_be_waited_for_it_does_not_start(
    command: Command, environment: dict[str, str], said: str
) -> None:
    assert Command(command.folder, **environment).fails("worker") == (2, said)


def test_a_file_that_is_none_of_alarms_is_one_line(command: Command) -> None:
    (command.folder / "notes").write_text("no alarms here, whatever anybody says\n" * 100)
    code, said = Command(command.folder, SESSIONFUL_ALARMS="notes").fails("worker")
    assert (code, said) == (2, "error: 'notes' cannot keep alarms: file is not a database (invalid_config)\n")


def test_it_loads_no_web_framework(command: Command) -> None:
    line = [sys.executable, "-c", TELLS_WHAT_IT_LOADED]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=command.folder, env=command.environment, stdout=pipe, text=True) as process:
        try:
            read_until(process, READY)
            process.terminate()
            told, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    loaded = set(told.partition("loaded: ")[2].split())
    assert "sessionful.alarms.worker" in loaded
    assert not loaded & {"fastapi", "starlette", "uvicorn", "boto3", "httpx", "xllamacpp", "sessionful.surfaces"}
