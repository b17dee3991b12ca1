"""`memories …`: the same commands on this machine's store and at a server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionful.domain.memory import Memory, Scope, digest_of
from sessionful.wiring import open_bank
from tests.cli.command import Command

CONFIG = """\
llms:
  echo: {type: scripted}
embedders:
  words: {type: scripted}
session_stores:
  main-db:
    backend: sql
    sql: {driver: sqlite, database: ./data/sessions.db}
agents:
  assistant:
    memory: {longterm: {storage_scope: conversational, batch_size: 100}}
  private:
    memory: {longterm: {storage_scope: session, batch_size: 100}}
  forgetful: {}
"""


class Place:
    """Where the memories are; all tests of a module share one, each with sessions of its own."""

    def __init__(self, command: Command, where: tuple[str, ...]) -> None:
        self._command, self._where = command, where
        self.database = command.folder / "data/sessions.db"

    def out(self, *arguments: str) -> str:
        return self._command.out(*arguments, *self._where)

    def fails(self, *arguments: str) -> tuple[int, str]:
        return self._command.fails(*arguments, *self._where)

    def bare(self) -> tuple[int, str]:
        return self._command.fails("memories")

    def listed(self, session: str, *options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out("memories", "list", session, "--json", *options))
        return found


@pytest.fixture(scope="module", params=["local", "url"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    command = Command(tmp_path_factory.mktemp(request.param), SESSIONFUL_CONFIG="config.yaml")
    (command.folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    if request.param == "local":
        yield Place(command, ())
        return
    with command.serving() as (url, _):
        yield Place(command, ("--url", url))


def a_session(place: Place, name: str, agent: str = "private") -> tuple[str, str, str]:
    """The words that name it in a command."""
    place.out("call", "hi", "--session", name, "--agent", agent)
    return name, "--agent", agent


def test_what_is_added_is_there_for_the_next_command(place: Place) -> None:
    session = a_session(place, "added")
    assert place.out("memories", "list", *session) == ""
    first = place.out("memories", "add", *session, "Ann lives\nin Oslo.").strip()
    second = place.out("memories", "add", *session, "Ann has a dog.").strip()
    assert first.startswith("mem_")
    listed = place.out("memories", "list", *session)
    assert listed == f"{second}\tAnn has a dog.\n{first}\tAnn lives in Oslo.\n"
    assert place.out("memories", "list", *session, "--limit", "1") == f"{second}\tAnn has a dog.\n"
    assert place.out("memories", "add", *session, "ann has a DOG") == f"{second}\n"


def test_a_correction_takes_the_place_of_what_was_wrong(place: Place) -> None:
    session = a_session(place, "corrected")
    wrong = place.out("memories", "add", *session, "Ann lives in Oslo.").strip()
    right = place.out("memories", "correct", *session, wrong, "Ann lives in Rome.").strip()
    assert place.out("memories", "list", *session) == f"{right}\tAnn lives in Rome.\n"
    everything = place.out("memories", "list", *session, "--ended").splitlines()
    assert everything == [f"{right}\tAnn lives in Rome.", f"{wrong}\tAnn lives in Oslo.\t(no longer: see {right})"]


def test_what_is_deleted_is_gone(place: Place) -> None:
    session = a_session(place, "deleted")
    ids = [place.out("memories", "add", *session, text).strip() for text in ("one", "two", "three")]
    assert place.out("memories", "delete", *session, *ids[:2]) == ""
    assert place.out("memories", "list", *session) == f"{ids[2]}\tthree\n"
    assert place.fails("memories", "delete", *session, ids[0]) == (
        1,
        "error: there is no such memory (memory_not_found)\n",
    )


def test_json_has_the_same_facts_in_both_places(place: Place) -> None:
    session = a_session(place, "facts")
    made = place.out("memories", "add", *session, "Größe 🙂").strip()
    (memory,) = place.listed(*session)
    assert memory.pop("created_at").endswith("Z")
    assert memory == {
        "id": made,
        "kind": "fact",
        "text": "Größe 🙂",
        "sources": [],
        "ended_at": None,
        "superseded_by": None,
        "supersedes": [],
    }


def test_the_scope_is_that_of_the_sessions_agent(place: Place) -> None:
    shared, alone = a_session(place, "one", "assistant"), a_session(place, "one", "private")
    made = place.out("memories", "add", *shared, "Ann lives in Oslo.")
    place.out("memories", "add", *alone, "Ann has a secret.")
    other = a_session(place, "two", "assistant")
    assert [memory["id"] for memory in place.listed(*other)] == [made.strip()]
    assert place.listed(*a_session(place, "two", "private")) == []


def test_a_list_longer_than_a_page_is_told_whole(place: Place) -> None:
    session = a_session(place, "long")
    asyncio.run(_fill(place.database, Scope("private", "local", "long"), 130))
    assert [memory["id"] for memory in place.listed(*session, "--limit", "120")] == [f"mem_{n}" for n in range(120)]
    assert len(place.out("memories", "list", *session, "--limit", "1000").splitlines()) == 130


async def _fill(database: Path, scope: Scope, count: int) -> None:
    bank = open_bank(str(database))
    texts = [f"fact {number}" for number in range(count)]
    await bank.store(
        [
            Memory(id=f"mem_{number}", scope=scope, text=text, digest=digest_of(text), created_at=count - number)
            for number, text in enumerate(texts)
        ]
    )
    await bank.close()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["list", "nobody", "--agent", "private"], 1, "(session_not_found)"),
        (["add", "wrong", "x", "--agent", "forgetful"], 1, "(session_not_found)"),
        (["add", "wrong", " ", "--agent", "private"], 2, "the memory is empty (invalid_request)"),
        (["correct", "wrong", "mem_1", "x", "--agent", "private"], 1, "(memory_not_found)"),
        (["delete", "wrong", "mem 1%?", "--agent", "private"], 1, "(memory_not_found)"),
        (["add", "wrong"], 2, "Missing argument 'TEXT'. (usage)"),
        ([], 2, "Missing command. (usage)"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_same_in_both_places(
    place: Place, arguments: list[str], code: int, says: str
) -> None:
    a_session(place, "wrong")
    exit_code, said = place.fails("memories", *arguments) if arguments else place.bare()
    assert (exit_code, len(said.splitlines())) == (code, 1)
    assert says in said


def test_an_agent_without_long_term_memory_says_so(place: Place) -> None:
    session = a_session(place, "none", "forgetful")
    assert place.out("memories", "list", *session) == ""
    code, said = place.fails("memories", "add", *session, "x")
    assert (code, said) == (2, "error: agent 'forgetful' has no long-term memory (invalid_request)\n")
