"""The door `sessions`, invoked with the events of an HTTP API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functions.cloud import Cloud
from tests.functions.doors import Door, door
from tests.functions.events import ALICE, BOB, http_event


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return Cloud(tmp_path_factory.mktemp("cloud"))


@pytest.fixture(scope="module")
def sessions(cloud: Cloud) -> Iterator[Door]:
    origins = "https://app.example.com"
    with door("sessions", {**cloud.environment, "SESSIONFUL_AUTH": "iam", "SESSIONFUL_ORIGINS": origins}) as opened:
        yield opened


def call(sessions: Door, method: str, path: str, body: Any = None, **more: Any) -> Any:
    return sessions.ask(http_event(method, path, body, **{"user_id": ALICE, **more}))


def test_a_session_is_made_read_changed_listed_and_erased(sessions: Door) -> None:
    made = call(sessions, "POST", "/sessions", {"id": "s1", "title": "First"})
    assert (made.status, made.json["id"]) == (201, "s1")
    read = call(sessions, "GET", "/agents/assistant/sessions/s1")
    assert (read.status, read.json["title"], read.headers["etag"]) == (200, "First", made.headers["etag"])
    changed = call(sessions, "PATCH", "/sessions/s1", {"title": "Second"}, headers={"if-match": read.headers["etag"]})
    assert (changed.status, changed.json["title"]) == (200, "Second")
    stale = call(sessions, "PATCH", "/sessions/s1", {"title": "Third"}, headers={"if-match": read.headers["etag"]})
    assert (stale.status, stale.json["error"]["code"]) == (409, "version_conflict")
    listed = call(sessions, "GET", "/sessions", query="limit=1&agent_id=assistant")
    assert [one["id"] for one in listed.json["sessions"]] == ["s1"]
    assert call(sessions, "DELETE", "/sessions/s1").status == 204
    assert call(sessions, "GET", "/sessions/s1").json["error"]["code"] == "session_not_found"


@pytest.mark.parametrize("session_id", ["naïve 🙂 日本", "50%25", "100%", "a+b c", "%41"])
def test_an_id_of_any_characters_is_found_again_under_its_path(sessions: Door, session_id: str) -> None:
    assert call(sessions, "POST", "/sessions", {"id": session_id}).status == 201
    found = call(sessions, "GET", f"/sessions/{session_id}")
    assert (found.status, found.json["id"]) == (200, session_id)
    again = call(sessions, "POST", f"/sessions/{session_id}/fork", {"session_id": f"{session_id}'"})
    assert again.json["parent"]["session_id"] == session_id


def test_a_body_in_base64_is_read_like_any_other(sessions: Door) -> None:
    made = call(sessions, "POST", "/sessions", {"id": "b64", "title": "Größe 🙂"}, binary=True)
    assert (made.status, made.json["title"]) == (201, "Größe 🙂")


def test_no_body_at_all_makes_a_session_too(sessions: Door) -> None:
    assert call(sessions, "POST", "/sessions").status == 201


def test_what_cannot_be_read_is_refused_with_the_one_body_of_errors(sessions: Door) -> None:
    broken = call(sessions, "POST", "/sessions", "{", headers={"x-request-id": "r-1"})
    assert (broken.status, broken.json["error"]["code"]) == (400, "invalid_request")
    assert broken.json["error"]["request_id"] == broken.headers["x-request-id"] == "r-1"
    misspelt = call(sessions, "POST", "/sessions", {"titel": "x"})
    assert misspelt.json["error"]["details"]["nearest"] == "title"
    assert call(sessions, "GET", "/nothing/here").json["error"]["code"] == "not_found"
    assert call(sessions, "PUT", "/agents").json["error"]["code"] == "method_not_allowed"


def test_the_agents_and_the_health_are_told(sessions: Door) -> None:
    assert [agent["name"] for agent in call(sessions, "GET", "/agents").json["agents"]] == ["assistant"]
    assert sessions.ask(http_event("GET", "/health")).json == {"status": "ok"}


def test_turns_are_another_doors_business(sessions: Door) -> None:
    assert call(sessions, "POST", "/sessions/s1/messages", {"message": "Hi"}).status in (404, 405)


def test_a_session_belongs_to_whoever_signed_the_request(sessions: Door) -> None:
    call(sessions, "POST", "/sessions", {"id": "mine"})
    assert call(sessions, "GET", "/sessions/mine").status == 200
    strange = call(sessions, "GET", "/sessions/mine", user_id=BOB)
    assert (strange.status, strange.json["error"]["code"]) == (404, "session_not_found")
    assert call(sessions, "POST", "/sessions", {"id": "mine"}, user_id=BOB).status == 201


@pytest.mark.parametrize("claims", [None, {"sub": ALICE}])
def test_a_request_without_a_signature_is_refused_whatever_its_headers_say(
    sessions: Door, claims: dict[str, str] | None
) -> None:
    context = json.dumps({"authorizer": {"iam": {"userId": ALICE}}})
    event = http_event("GET", "/sessions", claims=claims, headers={"x-amzn-request-context": context})
    refused = sessions.ask(event)
    assert (refused.status, refused.json["error"]["code"]) == (401, "unauthenticated")


def test_the_gateway_tells_browsers_which_pages_may_ask_and_the_door_keeps_others_out(sessions: Door) -> None:
    allowed = call(sessions, "POST", "/sessions", {}, headers={"origin": "https://app.example.com"})
    assert allowed.status == 201
    assert not [name for name in allowed.headers if name.startswith("access-control")]
    foreign = call(sessions, "POST", "/sessions", {}, headers={"origin": "https://evil.example"})
    assert (foreign.status, foreign.json["error"]["code"]) == (403, "forbidden")
    here = call(sessions, "POST", "/sessions", {}, headers={"origin": "http://localhost:3000"})
    assert here.status == 403, "pages of a visitor's own machine are no part of a deployment"


def test_an_answer_that_the_gateway_would_not_take_is_an_error_that_says_so(sessions: Door) -> None:
    state = {"text": "x" * 950_000}
    for number in range(7):
        assert call(sessions, "POST", "/sessions", {"id": f"big{number}", "state": state}).status == 201
    listed = call(sessions, "GET", "/sessions", headers={"x-request-id": "r-2"})
    assert (listed.status, listed.json["error"]["code"]) == (413, "payload_too_large")
    assert listed.json["error"]["request_id"] == listed.headers["x-request-id"] == "r-2"
    assert call(sessions, "GET", "/sessions", query="limit=1").status == 200


def test_what_is_no_request_is_an_error_of_the_invocation(sessions: Door) -> None:
    for event in ({"Records": []}, {}, [], {"version": "1.0", "requestContext": {}}):
        told = sessions.invoke(event)
        assert told["error"] == "InvalidRequest" and "HTTP API" in told["message"]


def test_it_loads_no_model_no_server_no_client_and_no_streams(sessions: Door) -> None:
    call(sessions, "POST", "/sessions", {})
    assert not sessions.modules & {"httpx", "uvicorn", "jwt", "sqlalchemy", "sessionful.surfaces.sse"}
    assert {name for name in sessions.modules if name.startswith("sessionful.models")} <= {
        "sessionful.models",
        "sessionful.models.deferred",
    }


def test_the_owner_may_be_the_role_instead_of_its_session(cloud: Cloud, tmp_path: Path) -> None:
    environment = {**cloud.environment, "SESSIONFUL_AUTH": "iam", "SESSIONFUL_IAM_OWNER": "role"}
    with door("sessions", environment) as sessions:
        assert call(sessions, "POST", "/sessions", {"id": "ours"}).status == 201
        assert call(sessions, "GET", "/sessions/ours", user_id=BOB).status == 200
        assert call(sessions, "GET", "/sessions/ours", user_id="AIDAEXAMPLEUSER").status == 404
