"""Memories are put in at the door that has an embedder, and listed and erased at the one that has none."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functions.cloud import Cloud
from tests.functions.doors import Door, door
from tests.functions.events import ALICE, BOB, http_event

AGENTS = """
llms:
  words: {type: scripted, replies: ["Hello from a function"]}
embedders:
  words: {type: scripted}
agents:
  assistant:
    llm: words
    memory: {longterm: {storage_scope: conversational, batch_size: 100}}
"""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, Door]]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), AGENTS)
    environment = {**cloud.environment, "SESSIONFUL_AUTH": "iam"}
    with door("sessions", environment) as sessions, door("messages", environment) as messages:
        yield sessions, messages


def call(asked: Door, method: str, path: str, body: Any = None, **more: Any) -> Any:
    return asked.ask(http_event(method, path, body, **{"user_id": ALICE, **more}))


def test_what_one_door_puts_in_the_other_lists_and_erases(doors: tuple[Door, Door]) -> None:
    sessions, messages = doors
    assert call(sessions, "POST", "/sessions", {"id": "s1"}).status == 201
    path = "/agents/assistant/sessions/s1/memories"
    made = call(messages, "POST", path, {"text": "Alice lives in Oslo."})
    assert (made.status, made.headers["location"]) == (201, f"{path}/{made.json['id']}")
    right = call(messages, "PATCH", f"{path}/{made.json['id']}", {"text": "Alice lives in Rome."}).json
    assert call(sessions, "GET", path).json == {"memories": [right], "next_cursor": None}
    listed = call(sessions, "GET", "/sessions/s1/memories", query="ended=true").json["memories"]
    assert {memory["text"] for memory in listed} == {"Alice lives in Oslo.", "Alice lives in Rome."}
    assert call(sessions, "DELETE", f"{path}/{right['id']}").status == 204
    assert call(sessions, "GET", path).json["memories"] == []


def test_they_belong_to_whoever_signed_the_request(doors: tuple[Door, Door]) -> None:
    sessions, messages = doors
    for user in (ALICE, BOB):
        call(sessions, "POST", "/sessions", {"id": "s2"}, user_id=user)
    made = call(messages, "POST", "/sessions/s2/memories", {"text": "Alice has a dog."}).json
    assert call(sessions, "GET", "/sessions/s2/memories", user_id=BOB).json["memories"] == []
    for asked, method, body in ((sessions, "DELETE", None), (messages, "PATCH", {"text": "Alice has a cat."})):
        refused = call(asked, method, f"/sessions/s2/memories/{made['id']}", body, user_id=BOB)
        assert (refused.status, refused.json["error"]["code"]) == (404, "memory_not_found")
    assert "Alice has a dog." in {
        memory["text"] for memory in call(sessions, "GET", "/sessions/s2/memories").json["memories"]
    }


def test_each_door_has_its_own_of_the_routes(doors: tuple[Door, Door]) -> None:
    sessions, messages = doors
    assert call(sessions, "POST", "/sessions/s1/memories", {"text": "x"}).status == 405
    assert call(messages, "GET", "/sessions/s1/memories").status == 405
