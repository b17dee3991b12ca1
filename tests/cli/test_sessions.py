"""`sessions …`: the same commands on this machine's store and at a server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.session import NewSession
from sessionful.models.scripted import ScriptedModel
from sessionful.wiring import make_log
from tests.cli.command import Command
from tests.cli.terminal import terminal


@pytest.fixture(scope="module", params=["local", "url"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Place"]:
    command = Command(tmp_path_factory.mktemp(request.param))
    if request.param == "local":
        yield Place(command, ())
        return
    with command.serving() as (url, _):
        yield Place(command, ("--url", url))


class Place:
    """Where the sessions are; all tests of a module share one, each with sessions of its own."""

    def __init__(self, command: Command, where: tuple[str, ...]) -> None:
        self.command, self.where = command, where

    def out(self, *arguments: str, stdin: str = "") -> str:
        return self.command.out(*arguments, *self.where, stdin=stdin)

    def fails(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        return self.command.fails(*arguments, *self.where, stdin=stdin)

    def show(self, session: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.out("sessions", "show", session, "--json"))
        return shown


def test_call_and_chat_go_on_with_one_conversation(place: Place) -> None:
    place.out("call", "one", "--session", "both")
    assert place.out("chat", "--session", "both", stdin="two\n") == "You said: two (3 messages in view)\n"
    assert "(5 messages in view)" in place.out("call", "three", "--session", "both", "--agent", "assistant")


def test_a_list_in_a_pipe_is_ids_with_the_newest_activity_first(place: Place) -> None:
    for session in ("list-a", "list-b", "list-a"):
        place.out("call", "hi", "--session", session)
    assert place.out("sessions", "list").splitlines()[:2] == ["list-a", "list-b"]
    assert place.out("sessions", "list", "--limit", "1").splitlines() == ["list-a"]


def test_a_list_on_a_terminal_is_a_table(place: Place) -> None:
    place.out("call", "hi", "--session", "table")
    with terminal(place.command, "sessions", "list", "--limit", "1", *place.where) as screen:
        screen.expect(r"session +agent +status +messages +last activity +title *\n")
        screen.expect(r"table +assistant +idle +2 +20\d\d-\d\d-\d\d \d\d:\d\d")
        assert screen.leave() == 0


def test_json_has_the_same_facts_in_both_places(place: Place) -> None:
    place.out("call", "hi", "--session", "facts")
    first = json.loads(place.out("sessions", "list", "--json"))[0]
    assert first["id"] == "facts"
    assert {name: first[name] for name in ("agent_id", "status", "message_count", "title", "parent", "expires_at")} == {
        "agent_id": "assistant",
        "status": "idle",
        "message_count": 2,
        "title": None,
        "parent": None,
        "expires_at": None,
    }
    assert first["created_at"].endswith("Z")


def test_show_prints_the_facts_and_the_history(place: Place) -> None:
    place.out("call", "good morning", "--session", "shown")
    shown = place.out("sessions", "show", "shown")
    assert "id: shown\n" in shown
    assert "user: good morning\nassistant: You said: good morning (1 messages in view)\n" in shown


def test_a_fork_shares_the_past_up_to_a_turn_and_goes_its_own_way(place: Place) -> None:
    for text in ("one", "two"):
        place.out("call", text, "--session", "trunk")
    assert place.out("sessions", "fork", "trunk", "--as", "branch", "--at", "1") == "branch\n"
    assert "(3 messages in view)" in place.out("call", "three", "--session", "branch")
    assert place.show("branch")["parent"]["session_id"] == "trunk"
    assert place.show("trunk")["message_count"] == 4


def test_a_session_goes_back_to_a_checkpoint_and_to_a_turn(place: Place) -> None:
    for text in ("one", "two"):
        place.out("call", text, "--session", "moved")
    assert place.out("sessions", "checkpoint", "moved", "both") == "both\n"
    assert place.out("sessions", "rewind", "moved", "1") == ""
    assert "(3 messages in view)" in place.out("call", "three", "--session", "moved")
    generated = place.out("sessions", "checkpoint", "moved").strip()
    place.out("sessions", "rewind", "moved", "both")
    assert [said["text"] for said in place.show("moved")["messages"] if said["role"] == "user"] == ["one", "two"]
    place.out("sessions", "rewind", "moved", generated)
    assert [said["text"] for said in place.show("moved")["messages"] if said["role"] == "user"] == ["one", "three"]
    assert place.fails("sessions", "rewind", "moved", "nowhere")[1].endswith("(checkpoint_not_found)\n")
    assert place.fails("sessions", "rewind", "moved", "2")[1].endswith("(turn_not_found)\n")
    assert place.fails("sessions", "checkpoint", "moved", "both")[1].endswith("(checkpoint_exists)\n")


def test_an_exported_session_comes_back_by_import(place: Place, tmp_path: Path) -> None:
    place.out("call", "remember", "--session", "carried")
    file = tmp_path / "carried.json"
    place.out("sessions", "export", "carried", "--output", str(file))
    assert json.loads(file.read_text()) == json.loads(place.out("sessions", "export", "carried"))
    assert place.out("sessions", "import", str(file), "--as", "copy") == "copy\n"
    assert "(3 messages in view)" in place.out("call", "and on", "--session", "copy")
    assert place.fails("sessions", "import", str(file))[1].endswith("(session_exists)\n")
    place.out("sessions", "delete", "carried")
    assert place.out("sessions", "import", "-", stdin=file.read_text()) == "carried\n"


def test_a_deleted_session_is_gone_and_its_id_starts_empty(place: Place) -> None:
    for session in ("gone", "gone too"):
        place.out("call", "hi", "--session", session)
    assert place.out("sessions", "delete", "gone", "gone too") == ""
    assert place.fails("sessions", "show", "gone") == (1, "error: there is no such session (session_not_found)\n")
    assert "(1 messages in view)" in place.out("call", "hi", "--session", "gone")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "nobody"], 1, "(session_not_found)"),
        (["delete", "nobody"], 1, "(session_not_found)"),
        (["list", "--agent", "asistant"], 2, "did you mean 'assistant'? (agent_not_found)"),
        (["list", "--limit", "0"], 2, "(usage)"),
        (["import", "none.json"], 2, "none.json cannot be read: No such file or directory (invalid_request)"),
        (["import", "config.yaml"], 2, "config.yaml is no JSON document"),
        (["show"], 2, "Missing argument 'ID'. (usage)"),
        ([], 2, "Missing command. (usage)"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_same_in_both_places(
    place: Place, arguments: list[str], code: int, says: str
) -> None:
    where = place.where if arguments else ()
    exit_code, said = place.command.fails("sessions", *arguments, *where)
    assert (exit_code, len(said.splitlines())) == (code, 1)
    assert says in said


def test_a_list_longer_than_a_page_is_told_whole(place: Place) -> None:
    asyncio.run(_fill(place.command.folder / "data/sessions.db", 130))
    listed = place.out("sessions", "list", "--limit", "120").splitlines()
    assert len(set(listed)) == len(listed) == 120
    assert all(session.startswith("many-") for session in listed)


async def _fill(file: Path, count: int) -> None:
    log = make_log(str(file))
    service = Service([Agent("assistant", ScriptedModel(), log)])
    for number in range(count):
        await service.create_session("local", "assistant", NewSession(session_id=f"many-{number}"))
    await service.close()


def test_a_history_longer_than_a_page_is_shown_whole(place: Place) -> None:
    messages = [{"role": role, "content": f"{role} {n}"} for n in range(120) for role in ("user", "assistant")]
    place.out("sessions", "import", "-", "--as", "long", stdin=json.dumps({"messages": messages}))
    assert [said["text"] for said in place.show("long")["messages"]] == [m["content"] for m in messages]
