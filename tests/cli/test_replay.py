"""`replay`: a stored session is run again and compared."""

import asyncio
import json
from pathlib import Path

import pytest

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.message import Message, Text
from sessionful.domain.session import NewSession, Session
from sessionful.domain.turn import Entry
from sessionful.models.scripted import ScriptedModel
from sessionful.wiring import make_log
from tests.cli.command import Command


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    made = Command(tmp_path_factory.mktemp("replay"))
    for text in ("one", "two"):
        made.out("call", text, "--session", "talk")
    made.out("sessions", "import", "-", "--as", "copy", stdin=made.out("sessions", "export", "talk"))
    asyncio.run(_spoil(made.folder / "data/sessions.db"))
    return made


async def _spoil(file: Path) -> None:
    """A session with a reply as no model's reply is kept."""
    log = make_log(str(file))
    service = Service([Agent("assistant", ScriptedModel(["so it was"]), log)])
    await service.create_session("local", "assistant", NewSession(session_id="honest"))
    await (await service.start_turn("local", "assistant", "honest", Message.user("was it?"))).result()
    head = await service.get_session("local", "assistant", "honest")
    entries = [_altered(entry) for entry in await log.read(head, 10)]
    await log.create(Session(**{**dict(head), "key": head.key._replace(id="spoilt"), "log": "spoilt"}), entries)
    await service.close()


def _altered(entry: Entry) -> Entry:
    return entry.model_copy(update={"reply": Message.assistant([Text(text="it was "), Text(text="not")])})


def test_a_session_comes_out_as_it_is_stored(command: Command) -> None:
    lines = command.out("replay", "talk").splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["turn", str(turn), "1", "step", "completed", "the", "same"] for turn in (1, 2)
    ]
    assert lines[2:] == ["2 turns: 2 run again, 0 only checked, 0 different"]


def test_what_is_only_checked_is_told_with_its_reason(command: Command) -> None:
    said = command.out("replay", "copy")
    assert "well-formed; not run again: it was put in by hand" in said
    assert said.endswith("2 turns: 0 run again, 2 only checked, 0 different\n")


def test_machines_get_json(command: Command) -> None:
    found = json.loads(command.out("replay", "talk", "--json", "--agent", "assistant"))
    assert (found["session_id"], found["run_again"], found["different"]) == ("talk", 2, 0)
    assert [(turn["turn"], turn["status"], turn["differences"]) for turn in found["turns"]] == [
        (1, "completed", []),
        (2, "completed", []),
    ]


def test_nothing_is_written_and_no_model_is_asked(command: Command) -> None:
    before = command.out("sessions", "show", "talk", "--json")
    command.out("replay", "talk")
    assert command.out("sessions", "show", "talk", "--json") == before


def test_a_difference_is_named_and_the_command_fails(command: Command) -> None:
    done = command.run("replay", "spoilt")
    assert done.returncode == 1
    assert "DIFFERENT" in done.stdout
    assert "  step 1, reply: stored {" in done.stdout
    assert done.stdout.endswith("1 turn: 1 run again, 0 only checked, 1 different\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nobody"], 1, "(session_not_found)"),
        (["talk", "--agent", "asistant"], 2, "did you mean 'assistant'?"),
        ([], 2, "Missing argument 'SESSION'. (usage)"),
    ],
)
def test_what_goes_wrong_is_one_line(command: Command, arguments: list[str], code: int, says: str) -> None:
    exit_code, said = command.fails("replay", *arguments)
    assert (exit_code, len(said.splitlines())) == (code, 1)
    assert says in said


def test_a_servers_sessions_are_replayed_where_they_are_kept(command: Command, tmp_path: Path) -> None:
    elsewhere = Command(tmp_path, SESSIONFUL_URL="http://localhost:9")
    assert elsewhere.fails("replay", "talk") == (
        2,
        "error: replay reads this machine's store, not a server's (usage)\n",
    )
